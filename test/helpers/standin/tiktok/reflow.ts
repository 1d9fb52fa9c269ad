import type { StandinPost } from '../posts.ts';
import { image, type Press } from '../press.ts';
import { author, imagePost, music, tagsOf } from './item.ts';
import { video } from './video.ts';

const CROWD = { followingCount: 3, followerCount: 3700, heartCount: 2022, videoCount: 756 };

/** The video as phones get it: one address and no gears (captured 2026-01-31). */
function reflowVideo(press: Press, post: StandinPost, token: string) {
  const whole = video(press, post, token);
  return {
    id: whole.id,
    height: whole.height,
    width: whole.width,
    duration: whole.duration,
    cover: whole.cover,
    originCover: whole.originCover,
    dynamicCover: whole.dynamicCover,
    playAddr: whole.playAddr,
    downloadAddr: '',
    shareCover: whole.shareCover,
    reflowCover: whole.reflowCover,
    subtitleInfos: whole.subtitleInfos,
    zoomCover: whole.zoomCover,
  };
}

function reflowAuthor(press: Press, post: StandinPost) {
  const { id, uniqueId, nickname, avatarLarger, avatarMedium, avatarThumb, signature, secUid } = author(
    press,
    post,
  );
  const face = { id, uniqueId, nickname, avatarLarger, avatarMedium, avatarThumb };
  return { ...face, signature, verified: false, secUid, relation: 0, isADVirtual: false, ...CROWD };
}

function reflowMusic(press: Press, post: StandinPost, token: string) {
  const { id, title, playUrl, coverLarge, coverMedium, coverThumb, authorName, duration } = music(
    press,
    post,
    token,
  );
  return { id, title, playUrl, coverLarge, coverMedium, coverThumb, authorName, duration };
}

/** The content of `webapp.reflow.video.detail` for one client's cookie; its numbers are numbers. */
export function reflowDetail(press: Press, post: StandinPost, token: string): Record<string, unknown> {
  const tags = tagsOf(post);
  const { stats } = post;
  const share = image(
    press,
    post,
    post.kind === 'photo' ? 'photo' : 'cover',
    'photomode-video-share-card.jpeg',
  );
  const itemStruct = {
    id: post.id,
    desc: post.desc,
    createTime: String(post.createTime),
    video: reflowVideo(press, post, token),
    anchors: [],
    author: reflowAuthor(press, post),
    ...(post.music === null ? {} : { music: reflowMusic(press, post, token) }),
    challenges: tags.map((tag) => ({
      id: tag.hashtagId,
      title: tag.hashtagName,
      desc: '',
      stats: { videoCount: 1 },
    })),
    stats: {
      diggCount: stats.digg,
      shareCount: stats.share,
      commentCount: stats.comment,
      playCount: stats.play,
      collectCount: stats.collect,
    },
    warnInfo: [],
    textExtra: tags,
    effectStickers: [],
    authorStats: { ...CROWD, diggCount: 2875 },
    stickersOnItem: [],
    comments: [],
    indexEnabled: true,
    ...(post.kind === 'photo' ? { imagePost: imagePost(press, post) } : {}),
    ...(post.kind === 'video' ? { diversificationLabels: ['Scripted Comedy'] } : {}),
    locationCreated: 'VN',
    suggestedWords: [],
    channelTags: [],
    keywordTags: [],
  };
  return {
    statusCode: 0,
    statusMessage: '',
    itemInfo: { itemStruct },
    shareMeta: { title: `TikTok · ${post.nickname}`, desc: post.desc, cover_url: share },
    extra_info: {},
  };
}

import type { AssetRef } from '../addresses.ts';
import { SOUND_SECONDS } from '../media.ts';
import { PHOTO_SHAPES, type StandinPost } from '../posts.ts';
import { image, type Press, photoUrls } from '../press.ts';
import { digest } from '../signing.ts';
import { VIDEO_MIRRORS, video } from './video.ts';

export function imagePost(press: Press, post: StandinPost) {
  const images = post.photos.map((shape, index) => ({
    imageURL: { urlList: photoUrls(press, post, index) },
    imageWidth: PHOTO_SHAPES[shape]?.width ?? 0,
    imageHeight: PHOTO_SHAPES[shape]?.height ?? 0,
  }));
  return { images, cover: images[0], shareCover: { imageURL: images[0]?.imageURL }, title: '' };
}

export function musicIdOf(post: StandinPost): string {
  return `69${post.id.slice(2)}`;
}

/** `music.playUrl` in the form that the post is to have. */
export function musicUrl(press: Press, post: StandinPost, token: string): string {
  const ref: AssetRef = { postId: post.id, part: 'music', index: 0 };
  const { addresses } = press;
  if (post.music === 'mp3-licensed') return addresses.plain('sf77-ies-music-va.tiktokcdn.com', ref, '.mp3');
  if (post.music === 'm4a') return addresses.plain('sf16-ies-music-sg.tiktokcdn.com', ref, '');
  if (post.music === 'mp4') {
    return `https://v16m.tiktokcdn.com${addresses.path(ref, post.mediaLife, 'video_mp4')}`;
  }
  if (post.music === 'mp3') {
    return `https://v16m.tiktokcdn.com${addresses.path(ref, post.mediaLife, 'audio_mpeg')}`;
  }
  if (post.music === 'mp3-query') {
    return `https://${VIDEO_MIRRORS[0]}${addresses.prime(ref, token, post.mediaLife, { mime: 'audio_mpeg' })}`;
  }
  return '';
}

export function music(press: Press, post: StandinPost, token: string) {
  const cover = image(press, post, 'avatar', 'tiktokx-cropcenter:720:720.jpeg');
  return {
    id: musicIdOf(post),
    title: post.musicTitle,
    playUrl: musicUrl(press, post, token),
    coverLarge: cover,
    coverMedium: cover,
    coverThumb: cover,
    authorName: post.musicAuthor,
    original: post.music === 'mp3' || post.music === 'mp3-query',
    private: false,
    duration: SOUND_SECONDS,
    scheduleSearchTime: 0,
    collected: false,
    preciseDuration: {
      preciseDuration: SOUND_SECONDS + 0.03,
      preciseShootDuration: SOUND_SECONDS,
      preciseAuditionDuration: SOUND_SECONDS,
      preciseVideoDuration: SOUND_SECONDS,
    },
    isCopyrighted: false,
    tt2dsp: { tt_to_dsp_song_infos: [] },
  };
}

export function author(press: Press, post: StandinPost) {
  const avatar = (side: number, index: number) =>
    image(press, post, 'avatar', `tiktokx-cropcenter:${side}:${side}.jpeg`, index);
  return {
    id: `68${post.id.slice(2)}`,
    shortId: '',
    uniqueId: post.user,
    nickname: post.nickname,
    avatarLarger: avatar(1080, 0),
    avatarMedium: avatar(720, 1),
    avatarThumb: avatar(100, 2),
    signature: post.signature,
    createTime: post.createTime - 86_400,
    verified: false,
    secUid: `MS4wLjABAAAA${digest(post.user).toString('base64url')}`,
    ftc: false,
    relation: 0,
    openFavorite: false,
    commentSetting: 0,
    duetSetting: 0,
    stitchSetting: 0,
    privateAccount: false,
    secret: false,
    isADVirtual: false,
    roomId: '',
    uniqueIdModifyTime: 0,
    ttSeller: false,
    downloadSetting: 0,
    recommendReason: '',
    nowInvitationCardUrl: '',
    nickNameModifyTime: 0,
    isEmbedBanned: false,
    canExpPlaylist: false,
    suggestAccountBind: false,
  };
}

/** The hashtags of the caption. */
export function tagsOf(post: StandinPost) {
  return [...post.desc.matchAll(/#(\w+)/g)].map((match) => ({
    awemeId: '',
    start: match.index,
    end: match.index + match[0].length,
    hashtagId: '1664486433972226',
    hashtagName: match[1],
    type: 1,
    subType: 0,
    isCommerce: false,
  }));
}

/** `itemInfo.itemStruct` of a desktop page, for one client's cookie. Many numbers are strings there. */
export function itemStruct(press: Press, post: StandinPost, token: string): Record<string, unknown> {
  const { stats } = post;
  const strings = {
    diggCount: String(stats.digg),
    shareCount: String(stats.share),
    commentCount: String(stats.comment),
    playCount: String(stats.play),
    collectCount: String(stats.collect),
    repostCount: '0',
  };
  const tags = tagsOf(post);
  const crowd = { followerCount: 3700, followingCount: 3, heart: 2022, heartCount: 2022, videoCount: 756 };
  return {
    id: post.id,
    desc: post.desc,
    createTime: String(post.createTime),
    scheduleTime: 0,
    video: video(press, post, token),
    author: author(press, post),
    ...(post.music === null ? {} : { music: music(press, post, token) }),
    challenges: tags.map((tag) => ({ id: tag.hashtagId, title: tag.hashtagName, desc: '' })),
    stats: {
      diggCount: stats.digg,
      shareCount: stats.share,
      commentCount: stats.comment,
      playCount: stats.play,
      collectCount: strings.collectCount,
    },
    statsV2: strings,
    warnInfo: [],
    originalItem: false,
    officalItem: false,
    textExtra: tags,
    secret: false,
    forFriend: false,
    digged: false,
    itemCommentStatus: 0,
    takeDown: 0,
    effectStickers: [],
    authorStats: { ...crowd, diggCount: 2875, friendCount: 0 },
    privateItem: false,
    duetEnabled: true,
    stitchEnabled: true,
    stickersOnItem: [],
    isAd: post.behaviour === 'ad',
    shareEnabled: true,
    comments: [],
    duetDisplay: 0,
    stitchDisplay: 0,
    indexEnabled: true,
    diversificationLabels: ['Scripted Comedy', 'Comedy', 'Performance'],
    locationCreated: 'VN',
    suggestedWords: ['stand-in', 'test pattern', 'sine wave', 'colour bars'],
    contents: [{ desc: post.desc, textExtra: tags }],
    diversificationId: 10_000,
    collected: false,
    channelTags: [],
    item_control: { can_repost: true },
    IsAigc: false,
    AIGCDescription: '',
    backendSourceEventTracking: '',
    CategoryType: 104,
    textLanguage: 'en',
    textTranslatable: true,
    isReviewing: false,
    ...(post.kind === 'photo' ? { imagePost: imagePost(press, post) } : {}),
  };
}

import type { AssetRef } from '../addresses.ts';
import { type Answer, html } from '../delivery.ts';
import { SOUND_SECONDS, VIDEO_SECONDS } from '../media.ts';
import { PHOTO_SHAPES, type StandinPost } from '../posts.ts';
import { image, type Press, photoUrls, pixelsOf } from '../press.ts';
import { digest } from '../signing.ts';
import type { Settings } from '../sources.ts';
import { musicIdOf, musicUrl } from './item.ts';
import { jsonForScript } from './pages.ts';
import { standingOf } from './standing.ts';

/** Counts of big posts as the embed page writes them: three digits, then zeros. */
function rounded(count: number): number {
  const unit = 10 ** Math.max(0, String(count).length - 3);
  return count < 10_000 ? count : Math.round(count / unit) * unit;
}

/** The one file of the embed page: 576 pixels wide and, as one reader found, watermarked. */
function markedUrl(press: Press, post: StandinPost): string {
  const ref: AssetRef = { postId: post.id, part: 'marked', index: 0 };
  return `https://v16m.tiktokcdn-us.com${press.addresses.path(ref, post.mediaLife, 'video_mp4')}`;
}

function displayImages(press: Press, post: StandinPost) {
  return post.photos.map((shape, index) => ({
    width: PHOTO_SHAPES[shape]?.width ?? 0,
    height: PHOTO_SHAPES[shape]?.height ?? 0,
    urlList: photoUrls(press, post, index),
  }));
}

function videoData(press: Press, post: StandinPost, settings: Settings) {
  const count = (value: number) => (settings.embedRounds ? rounded(value) : value);
  const playable = post.kind === 'video' && post.behaviour !== 'ad' && post.behaviour !== 'blind-formats';
  const avatar = (side: number, index: number) =>
    image(press, post, 'avatar', `tiktokx-cropcenter:${side}:${side}.jpeg`, index);
  const cover =
    post.kind === 'photo'
      ? (photoUrls(press, post, 0)[0] ?? '')
      : image(press, post, 'cover', 'tiktokx-origin.image');
  const none = { width: 0, height: 0, ratio: 0, duration: 0 };
  const sound = musicUrl(press, post, '');
  return {
    itemInfos: {
      id: post.id,
      text: post.desc,
      createTime: String(post.createTime),
      playCount: count(post.stats.play),
      diggCount: count(post.stats.digg),
      commentCount: count(post.stats.comment),
      shareCount: count(post.stats.share),
      covers: [cover],
      coversOrigin: [cover],
      video: {
        urls: playable ? [markedUrl(press, post)] : [],
        videoMeta: playable ? { ...pixelsOf(post, 540), ratio: 10, duration: VIDEO_SECONDS } : none,
      },
      secret: false,
      forFriend: false,
      isAd: post.behaviour === 'ad',
      stickerTextList: [],
    },
    authorInfos: {
      uniqueId: post.user,
      nickName: post.nickname,
      userId: `68${post.id.slice(2)}`,
      secUid: `MS4wLjABAAAA${digest(post.user).toString('base64url')}`,
      covers: [avatar(100, 2)],
      signature: post.signature,
      verified: false,
    },
    authorStats: { followerCount: 3700, followingCount: 3, heartCount: 2022, videoCount: 756 },
    ...(post.music === null
      ? {}
      : {
          musicInfos: {
            musicId: musicIdOf(post),
            musicName: post.musicTitle,
            authorName: post.musicAuthor,
            playUrl: sound === '' ? [] : [sound],
            coverThumb: avatar(100, 2),
            duration: SOUND_SECONDS,
          },
        }),
    imagePostInfo: post.kind === 'photo' ? { displayImages: displayImages(press, post) } : null,
    challengeInfoList: [],
  };
}

function page(key: string, node: object, status: number): Answer {
  const state = jsonForScript({ source: { data: { [key]: node } } });
  return html(
    status,
    '<!DOCTYPE html><html lang="en"><head><title>TikTok</title></head><body><div id="root"></div>' +
      `<script id="__FRONTITY_CONNECT_STATE__" type="application/json">${state}</script></body></html>`,
  );
}

/**
 * `/embed/v2/ID` (media captured 2026-07 and 08, the rest by eight readers). Deleted, private, withheld and
 * unknown posts are one HTTP 400 with 10204 (twelve samples).
 */
export function embedPage(press: Press, id: string, post: StandinPost | null, settings: Settings): Answer {
  const key = `/embed/v2/${id}`;
  if (post === null || standingOf(post) !== 'public') {
    const error = {
      isReady: true,
      errorCode: 10_204,
      errorStatus: 400,
      isError: true,
      pageName: 'video_v2_error',
    };
    return page(key, error, 400);
  }
  const data =
    post.behaviour === 'blind' ? { videoInformation: {} } : { videoData: videoData(press, post, settings) };
  return page(key, { code: 200, isReady: true, isError: false, ...data }, 200);
}

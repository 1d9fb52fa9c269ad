import type { AssetRef } from '../addresses.ts';
import { contentOf } from '../content.ts';
import { type Answer, answer, type Exchange } from '../delivery.ts';
import { SOUND_SECONDS, VIDEO_SECONDS } from '../media.ts';
import { PHOTO_SHAPES, type PostRegistry, RENDITIONS, type StandinPost } from '../posts.ts';
import { image, type Press, photoUrls, pixelsOf, videoIdOf } from '../press.ts';
import { digest } from '../signing.ts';
import type { Settings } from '../sources.ts';
import { musicIdOf, musicUrl } from './item.ts';
import { playerShows } from './standing.ts';
import { subtitleInfos, VIDEO_MIRRORS } from './video.ts';

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };
/** Hosts of the player's files that want neither cookie nor referer (five readers). */
const MIRRORS = ['v45.tiktokcdn-eu.com', 'v16m.tiktokcdn-eu.com'] as const;
/** Redirects to a file (R5, 2026-09). */
const PLAY_HOST = 'api16-normal-no1a.tiktokv.eu';

/**
 * The first two mirrors of an H.265 gear are `*-webapp-prime`, which answer 403 to a client without the page's
 * cookie; the third works (R5, 2026-09-26).
 */
function mirrors(press: Press, post: StandinPost, index: number): string[] {
  const name = post.renditions[index] ?? 'h264_540p';
  const ref: AssetRef = { postId: post.id, part: 'video', index };
  const { codec, silent } = RENDITIONS[name];
  const play = press.addresses.play(ref, videoIdOf(post), PLAY_HOST);
  if (codec === 'h264') {
    const path = press.addresses.path(ref, post.mediaLife, 'video_mp4');
    return [...MIRRORS.map((host) => `https://${host}${path}`), play];
  }
  const path = press.addresses.prime(ref, 'a token of no page', post.mediaLife, { silent });
  return [...VIDEO_MIRRORS.map((host) => `https://${host}${path}`), play];
}

/** The page's gears under the player's names; ByteDance's own codec is in no reader's list. */
function profiles(press: Press, post: StandinPost) {
  return post.renditions.flatMap((name, index) => {
    const { codec, height, gear } = RENDITIONS[name];
    const size = contentOf(press.media, post, 'video', index)?.size ?? 0;
    if (codec === 'bytevc2') return [];
    const bitrate = Math.round((size * 8) / VIDEO_SECONDS);
    const profile = {
      bitrate,
      codec_type: codec,
      fps: 25,
      gear_name: gear,
      hdr_type: '0',
      play_addr: {
        data_size: size,
        ...pixelsOf(post, height),
        uri: videoIdOf(post),
        url_key: `${videoIdOf(post)}_${codec}_${height}p_${bitrate}`,
        url_list: mirrors(press, post, index),
      },
    };
    return [profile];
  });
}

function videoInfo(press: Press, post: StandinPost) {
  const none = {
    uri: '',
    url_list: [] as string[],
    meta: { bitrate: 0, duration: 0, height: 0, ratio: 0, width: 0 },
    profiles: [] as unknown[],
  };
  if (post.kind === 'photo') {
    // The sound of a photo post stands where a video has its file (six readers).
    const sound = musicUrl(press, post, '');
    const meta = { ...none.meta, duration: sound === '' ? 0 : SOUND_SECONDS * 1000 };
    return { ...none, uri: sound, url_list: sound === '' ? [] : [sound], cover: { url_list: [] }, meta };
  }
  const cover = { url_list: [image(press, post, 'cover', 'tiktokx-origin.image')] };
  if (post.behaviour === 'ad' || post.behaviour === 'age-gate') {
    return { ...none, cover, origin_cover: cover };
  }
  const gears = profiles(press, post);
  const play = gears.find(({ codec_type }) => codec_type === 'h264') ?? gears[0];
  const renamed = post.behaviour === 'blind-formats';
  return {
    uri: videoIdOf(post),
    url_list: renamed ? [] : (play?.play_addr.url_list ?? []),
    cover,
    origin_cover: cover,
    meta: { bitrate: play?.bitrate ?? 0, duration: VIDEO_SECONDS * 1000, ratio: 540, ...pixelsOf(post, 540) },
    [renamed ? 'gears' : 'profiles']: gears,
  };
}

function imageSet(post: StandinPost, index: number, urls: string[]) {
  const shape = PHOTO_SHAPES[post.photos[index] ?? ''];
  const size = { width: shape?.width ?? 0, height: shape?.height ?? 0 };
  const as = (form: string) =>
    urls.map((url) => url.replace('~tplv-photomode-image', `~tplv-photomode-${form}`));
  return {
    display_image: { ...size, url_list: urls },
    // Carries the author's name; its signature fits no file here, so that a test sees who takes it.
    owner_watermark_image: { ...size, url_list: as('image-owner-watermark') },
    thumbnail: { width: 240, height: 360, url_list: as('thumb') },
  };
}

function item(press: Press, post: StandinPost, settings: Settings) {
  const images = post.photos.map((_, index) => imageSet(post, index, photoUrls(press, post, index)));
  return {
    id: post.id,
    id_str: post.id,
    aweme_type: post.kind === 'photo' ? 150 : 0,
    desc: post.desc,
    region: 'VN',
    marker_info: { branded_content_type: 0, is_ads: post.behaviour === 'ad' },
    author_info: {
      unique_id: post.user,
      nickname: post.nickname,
      secret_id: `MS4wLjABAAAA${digest(post.user).toString('base64url')}`,
      avatar_url_list: [image(press, post, 'avatar', 'tiktokx-cropcenter:100:100.jpeg', 2)],
    },
    statistics_info: {
      digg_count: post.stats.digg,
      comment_count: post.stats.comment,
      share_count: post.stats.share,
    },
    ...(post.music === null
      ? {}
      : {
          music_info: {
            id: musicIdOf(post),
            id_str: musicIdOf(post),
            title: post.musicTitle,
            author: post.musicAuthor,
          },
        }),
    video_info: videoInfo(press, post),
    ...(post.kind === 'photo' ? { image_post_info: { cover: images[0], images } } : {}),
    ...(settings.playerCaptions && post.subtitles.length > 0 ? { captions: captions(press, post) } : {}),
  };
}

function captions(press: Press, post: StandinPost) {
  return subtitleInfos(press, post).map((info) => ({
    language: info.LanguageCodeName,
    captionFormat: info.Format,
    urlList: [info.Url],
    expire: info.UrlExpire,
    isAutoGenerated: info.Source !== 'LC',
  }));
}

/** Ids are JSON integers above 2^53 unless the client asks for strings with `agw-js-conv: str` (three readers). */
function print(body: object, headers: Record<string, string>): string {
  const text = JSON.stringify(body);
  return headers['agw-js-conv'] === 'str' ? text : text.replace(/"id":"(\d+)"/g, '"id":$1');
}

/** `GET /player/api/v1/items?item_ids=`: no cookie, no signature, any User-Agent (fifteen readers). */
export function answerPlayer(
  press: Press,
  posts: PostRegistry,
  settings: Settings,
  exchange: Exchange,
): Answer {
  const { url, headers } = exchange;
  const ids = (url.searchParams.get('item_ids') ?? '').split(',').filter((id) => id !== '');
  if (ids.length === 0) {
    // Status and 109 bytes were measured (2026-09-30), not the words.
    const body =
      '{"status_code":10201,"status_msg":"missing parameter item_ids","extra":{"fatal_item_ids":[]}}';
    return answer(400, body.padEnd(109, ' '), JSON_TYPE);
  }
  if (ids.some((id) => !/^\d{5,20}$/.test(id))) {
    return answer(200, JSON.stringify({ status_code: 5, status_msg: 'Invalid parameters' }), JSON_TYPE);
  }
  const found = ids.flatMap((id) => {
    const post = posts.get(id, 'tiktok');
    return playerShows(post, settings) ? [post] : [];
  });
  const known = new Set(found.map(({ id }) => id));
  const items = found.map((post) =>
    post.behaviour === 'blind' ? { id: post.id, media: {} } : item(press, post, settings),
  );
  const body = {
    extra: { fatal_item_ids: [], logid: digest(url.href).toString('hex'), now: Date.now() },
    items,
    log_pb: { impr_id: digest(url.search).toString('hex') },
    results: ids.map((id) => ({ code: known.has(id) ? 'ok' : 'nil_core_data', id, id_str: id })),
    status_code: 0,
    status_msg: '',
  };
  return answer(200, print(body, headers), JSON_TYPE);
}

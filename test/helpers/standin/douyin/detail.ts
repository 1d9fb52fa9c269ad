import { fileIdOf, refOfFileId } from '../addresses.ts';
import { contentOf } from '../content.ts';
import { type Answer, answer, type Exchange, html, redirect } from '../delivery.ts';
import { SOUND_SECONDS, VIDEO_SECONDS } from '../media.ts';
import { type AssetPart, PHOTO_SHAPES, type PostRegistry, RENDITIONS, type StandinPost } from '../posts.ts';
import { type Press, pixelsOf, videoIdOf } from '../press.ts';
import { digest, readCookies } from '../signing.ts';

const VIDEO_MIRRORS = ['v3-web.douyinvod.com', 'v5-dy-o-abtest.zjcdn.com'];
const IMAGE_MIRRORS = ['p3-sign.douyinpic.com', 'p9-sign.douyinpic.com'];

interface UrlSet {
  uri: string;
  url_list: string[];
  width: number;
  height: number;
}

function images(press: Press, post: StandinPost, part: AssetPart, index: number, form: string): UrlSet {
  const ref = { postId: post.id, part, index };
  return {
    uri: `tos-cn-i-0813c001/${fileIdOf(ref)}`,
    url_list: IMAGE_MIRRORS.map((host) => press.addresses.image(host, ref, post.mediaLife, form)),
    width: 720,
    height: 720,
  };
}

function playAddr(press: Press, post: StandinPost, index: number) {
  const name = post.renditions[index] ?? 'h264_540p';
  const rendition = RENDITIONS[name];
  const ref = { postId: post.id, part: 'video' as const, index };
  const path = press.addresses.path(ref, post.mediaLife, 'video_mp4');
  const size = contentOf(press.media, post, 'video', index)?.size ?? 0;
  const bitrate = Math.round((size * 8) / VIDEO_SECONDS);
  const hash = digest(`hash ${fileIdOf(ref)}`).toString('hex');
  return {
    uri: videoIdOf(post),
    url_list: [
      ...VIDEO_MIRRORS.map((host) => `https://${host}${path}`),
      `https://www.douyin.com/aweme/v1/play/?video_id=${videoIdOf(post)}&line=0&file_id=${fileIdOf(ref)}`,
    ],
    ...pixelsOf(post, rendition.height),
    url_key: `${videoIdOf(post)}_${rendition.codec}_${rendition.height}p_${bitrate}`,
    data_size: size,
    file_hash: hash,
    file_cs: `c:0-103006-${hash.slice(0, 4)}`,
    bitrate,
  };
}

function musicAddr(press: Press, post: StandinPost): UrlSet | null {
  if (post.music === '' || post.music === null) return null;
  const ref = { postId: post.id, part: 'music' as const, index: 0 };
  const extension = post.music.startsWith('mp3') ? '.mp3' : '.m4a';
  const hosts = ['lf26-music-east.douyinstatic.com', 'lf9-music-east.douyinstatic.com'];
  const list = hosts.map((host) => press.addresses.plain(host, ref, extension));
  return { uri: list[0] ?? '', url_list: list, width: 720, height: 720 };
}

function video(press: Press, post: StandinPost) {
  const cover = images(press, post, post.kind === 'photo' ? 'photo' : 'cover', 0, 'dy-cover.jpeg');
  if (post.kind === 'photo') {
    // A note's play_addr is its sound.
    return { play_addr: musicAddr(press, post), cover, bit_rate: [], duration: 0, height: 720, width: 720 };
  }
  const rates = post.renditions.map((name, index) => {
    const { bitrate, ...address } = playAddr(press, post, index);
    const h265 = RENDITIONS[name].codec === 'h264' ? 0 : 1;
    return {
      gear_name: RENDITIONS[name].gear,
      quality_type: RENDITIONS[name].quality,
      bit_rate: bitrate,
      play_addr: address,
      is_h265: h265,
      is_bytevc1: h265,
      HDR_type: '',
      HDR_bit: '',
      FPS: 25,
      video_extra: '{}',
      format: 'mp4',
    };
  });
  return {
    play_addr: rates[0]?.play_addr,
    play_addr_h264: rates[0]?.play_addr,
    cover,
    origin_cover: cover,
    dynamic_cover: cover,
    ...pixelsOf(post, 540),
    ratio: '540p',
    has_watermark: true,
    bit_rate: rates,
    duration: VIDEO_SECONDS * 1000,
    is_h265: 0,
    is_bytevc1: 0,
    meta: '{}',
    is_long_video: 0,
    format: 'mp4',
  };
}

/** `aweme_detail` as Douyin's web API writes it; numbers are numbers here. */
function awemeDetail(press: Press, post: StandinPost) {
  const avatar = images(press, post, 'avatar', 0, 'dy-avatar.jpeg');
  const music = musicAddr(press, post);
  return {
    aweme_id: post.id,
    desc: post.desc,
    create_time: post.createTime,
    author: {
      uid: `68${post.id.slice(2)}`,
      short_id: '43511306302',
      nickname: post.nickname,
      signature: post.signature,
      avatar_larger: avatar,
      avatar_thumb: avatar,
      avatar_medium: avatar,
      unique_id: post.user,
      sec_uid: `MS4wLjABAAAA${digest(post.user).toString('base64url')}`,
    },
    music:
      music === null
        ? null
        : {
            id: Number(digest(post.id).readUInt32BE()),
            id_str: `69${post.id.slice(2)}`,
            title: post.musicTitle,
            author: post.musicAuthor,
            album: '',
            cover_large: avatar,
            cover_medium: avatar,
            cover_thumb: avatar,
            play_url: { ...music, url_key: `69${post.id.slice(2)}` },
            duration: SOUND_SECONDS,
            is_original: true,
            is_original_sound: true,
            owner_nickname: post.nickname,
            owner_handle: post.user,
          },
    video: video(press, post),
    images:
      post.kind === 'video'
        ? null
        : post.photos.map((shape, index) => {
            const type = PHOTO_SHAPES[shape]?.type ?? 'jpeg';
            const form = `dy-aweme-images:q75.${type}`;
            const set = images(press, post, 'photo', index, form);
            const pixels = { width: PHOTO_SHAPES[shape]?.width, height: PHOTO_SHAPES[shape]?.height };
            return { ...set, ...pixels, download_url_list: set.url_list, mask_url_list: null };
          }),
    statistics: {
      aweme_id: post.id,
      comment_count: post.stats.comment,
      digg_count: post.stats.digg,
      play_count: post.stats.play,
      share_count: post.stats.share,
      collect_count: post.stats.collect,
    },
    status: { is_delete: false, allow_share: true, is_prohibited: false, private_status: 0 },
    aweme_type: post.kind === 'photo' ? 68 : 0,
    media_type: post.kind === 'photo' ? 2 : 4,
    duration: post.kind === 'photo' ? 0 : VIDEO_SECONDS * 1000,
    share_url: `https://www.iesdouyin.com/share/${post.kind === 'photo' ? 'note' : 'video'}/${post.id}/`,
    text_extra: [],
    geofencing: [],
    region: '',
  };
}

const GONE = {
  notice: '抱歉，作品不存在',
  detail_msg: '因作品权限或已被删除，无法观看，去看看其他作品吧',
  filter_reason: 'status_deleted',
  icon: '',
};

export function postIdOfDouyin(url: URL): string | null {
  return url.searchParams.get('aweme_id') ?? /\/(?:video|note)\/(\d+)/.exec(url.pathname)?.[1] ?? null;
}

/** The last mirror of a rendition: on to the CDN. */
function playAnswer(press: Press, posts: PostRegistry, exchange: Exchange): Answer {
  exchange.entry.kind = 'redirect';
  const ref = refOfFileId(exchange.url.searchParams.get('file_id') ?? '');
  const post = ref === null ? null : posts.get(ref.postId, 'douyin');
  if (ref === null || post === null) return answer(404, '');
  const path = press.addresses.path(ref, post.mediaLife, 'video_mp4');
  return redirect(`https://${VIDEO_MIRRORS[0]}${path}`);
}

/** Douyin's site: the detail API that yt-dlp asks, and the pages that a browser would see. */
export function answerDouyin(
  press: Press,
  posts: PostRegistry,
  needsCookie: boolean,
  exchange: Exchange,
): Answer {
  const id = postIdOfDouyin(exchange.url);
  if (exchange.url.pathname.startsWith('/share/') && id !== null) {
    const kind = exchange.url.pathname.startsWith('/share/note') ? 'note' : 'video';
    return redirect(`https://www.douyin.com/${kind}/${id}`);
  }
  if (exchange.url.pathname === '/aweme/v1/play/') {
    return playAnswer(press, posts, exchange);
  }
  if (exchange.url.pathname !== '/aweme/v1/web/aweme/detail/' || id === null) {
    return html(200, '<!DOCTYPE html><html lang="zh"><head><title>抖音</title></head><body></body></html>');
  }
  exchange.entry.kind = 'api';
  const json = { 'content-type': 'application/json; charset=utf-8' };
  const visitor = readCookies(exchange.headers.cookie).get('s_v_web_id');
  if (needsCookie && (visitor === undefined || visitor === '')) return answer(200, '', json);
  const post = posts.get(id, 'douyin');
  const gone = post === null || typeof post.behaviour === 'object';
  const body = gone
    ? { aweme_detail: null, filter_detail: { ...GONE, aweme_id: id }, log_pb: {}, status_code: 0 }
    : { aweme_detail: awemeDetail(press, post), log_pb: {}, status_code: 0 };
  return answer(200, JSON.stringify(body), json);
}

import { type AssetRef, fileIdOf } from '../addresses.ts';
import { contentOf } from '../content.ts';
import { LIVE_SECONDS, SOUND_SECONDS, VIDEO_SECONDS } from '../media.ts';
import { type AssetPart, PHOTO_SHAPES, RENDITIONS, type StandinPost } from '../posts.ts';
import { type Press, pixelsOf, videoIdOf } from '../press.ts';
import { digest } from '../signing.ts';

/** Video hosts of the captures (2026-02), and ones that public clients know. */
const VIDEO_HOSTS = {
  webapp: ['v3-web.douyinvod.com', 'v5-dy-o-abtest.zjcdn.com'],
  us: ['v26-default.365yg.com', 'v95-web-sz.idouyinvod.com'],
} as const;
const IMAGE_MIRRORS = ['p3-sign.douyinpic.com', 'p9-sign.douyinpic.com'];

interface UrlSet {
  uri: string;
  url_list: string[];
  width: number;
  height: number;
}

/** Where a file of Douyin's lies, for a redirect. */
export function fileUrl(press: Press, post: StandinPost, ref: AssetRef, host?: string): string {
  return `https://${host ?? VIDEO_HOSTS[post.cdn][0]}${press.addresses.path(ref, post.mediaLife, 'video_mp4')}`;
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

/** One file on its mirrors; the last two redirect, and do so under their own name. */
function addr(press: Press, post: StandinPost, ref: AssetRef, folder = '') {
  const path = press.addresses.path(ref, post.mediaLife, 'video_mp4', folder);
  const size = contentOf(press.media, post, ref.part, ref.index)?.size ?? 0;
  const hash = digest(`hash ${fileIdOf(ref)}`).toString('hex');
  const play = `/aweme/v1/play/?video_id=${videoIdOf(post)}&file_id=${fileIdOf(ref)}&is_play_url=1`;
  return {
    uri: videoIdOf(post),
    url_list: [
      ...VIDEO_HOSTS[post.cdn].map((host) => `https://${host}${path}`),
      `https://api-play-hl.amemv.com${play}&line=0`,
      `https://www.douyin.com${play}&line=1`,
    ],
    data_size: size,
    file_hash: hash,
    file_cs: `c:0-103006-${hash.slice(0, 4)}`,
  };
}

function playAddr(press: Press, post: StandinPost, index: number) {
  const { codec, height, silent } = RENDITIONS[post.renditions[index] ?? 'h264_540p'];
  // The path of a silent track tells (`media-video-avc1` for H.264).
  const folder = silent ? `media-video-${codec === 'h264' ? 'avc1' : 'hvc1'}/` : '';
  const { data_size, ...address } = addr(press, post, { postId: post.id, part: 'video', index }, folder);
  const bitrate = Math.round((data_size * 8) / VIDEO_SECONDS);
  const key = `${videoIdOf(post)}_${codec}_${height}p_${bitrate}`;
  return { ...address, ...pixelsOf(post, height), url_key: key, data_size, bitrate };
}

function musicAddr(press: Press, post: StandinPost): UrlSet | null {
  if (post.music === '' || post.music === null) return null;
  const ref: AssetRef = { postId: post.id, part: 'music', index: 0 };
  const extension = post.music.startsWith('mp3') ? '.mp3' : '.m4a';
  const hosts = ['lf26-music-east.douyinstatic.com', 'lf9-music-east.douyinstatic.com'];
  const list = hosts.map((host) => press.addresses.plain(host, ref, extension));
  return { uri: list[0] ?? '', url_list: list, width: 720, height: 720 };
}

/** The numbers of the captures: 1 is H.265, 2 is ByteDance's own codec. */
const CODEC_NUMBERS = { h264: 0, bytevc1: 1, bytevc2: 2 } as const;

function bitRates(press: Press, post: StandinPost) {
  return post.renditions.map((name, index) => {
    const { bitrate, ...address } = playAddr(press, post, index);
    const { codec, gear, quality, dash } = RENDITIONS[name];
    return {
      gear_name: gear,
      quality_type: quality,
      bit_rate: bitrate,
      play_addr: address,
      is_h265: CODEC_NUMBERS[codec],
      is_bytevc1: CODEC_NUMBERS[codec],
      HDR_type: '',
      HDR_bit: '',
      FPS: 25,
      video_extra: '{}',
      format: dash ? 'dash' : 'mp4',
    };
  });
}

/** The sound of DASH tracks, as three clients read it. */
function audioRates(press: Press, post: StandinPost) {
  if (!post.renditions.some((name) => RENDITIONS[name].dash)) return null;
  const sound = musicAddr(press, post)?.url_list ?? [];
  const url_list = { main_url: sound[0] ?? '', backup_url: sound[1] ?? '', fallback_url: '' };
  return [{ audio_meta: { media_type: 'audio', format: 'dash', url_list }, audio_quality: 0 }];
}

function video(press: Press, post: StandinPost) {
  const cover = images(press, post, post.kind === 'photo' ? 'photo' : 'cover', 0, 'dy-cover.jpeg');
  if (post.kind === 'photo') {
    // A note's play_addr is its sound (captured).
    return { play_addr: musicAddr(press, post), cover, bit_rate: [], duration: 0, height: 720, width: 720 };
  }
  const rates = bitRates(press, post);
  const muxed = rates.find(({ is_h265, format }) => is_h265 === 0 && format === 'mp4') ?? rates[0];
  const { file_hash: _hash, ...marked } = addr(press, post, { postId: post.id, part: 'marked', index: 0 });
  return {
    play_addr: muxed?.play_addr,
    play_addr_h264: muxed?.play_addr,
    download_addr: { ...marked, width: 720, height: 720 },
    cover,
    origin_cover: cover,
    dynamic_cover: cover,
    ...pixelsOf(post, 540),
    ratio: '540p',
    has_watermark: true,
    bit_rate: rates,
    bit_rate_audio: audioRates(press, post),
    duration: VIDEO_SECONDS * 1000,
    is_h265: 0,
    is_bytevc1: 0,
    meta: '{}',
    is_long_video: 0,
    format: 'mp4',
  };
}

/** The clip of a live photo (six readers). */
function liveVideo(press: Press, post: StandinPost, index: number) {
  const address = addr(press, post, { postId: post.id, part: 'live', index });
  return {
    play_addr: { ...address, width: 960, height: 1280 },
    cover: images(press, post, 'photo', index, 'dy-cover.jpeg'),
    width: 960,
    height: 1280,
    duration: LIVE_SECONDS * 1000,
    bit_rate: [],
  };
}

function photos(press: Press, post: StandinPost, live: boolean) {
  return post.photos.map((shape, index) => {
    const { type = 'jpeg', width = 0, height = 0 } = PHOTO_SHAPES[shape] ?? {};
    // The account's name in Base64 is in the picture and in its address (captured).
    const name = Buffer.from(`抖音号：${post.user}`).toString('base64url');
    const marked = images(press, post, 'marked', index, `dy-water-v2:${name}:${width}:${height}.jpeg`);
    const moving = live && post.live.includes(index);
    return {
      ...images(press, post, 'photo', index, `dy-aweme-images:q75.${type}`),
      width,
      height,
      download_url_list: marked.url_list,
      mask_url_list: null,
      watermark_free_download_url_list: null,
      ...(moving ? { live_photo_type: 1, video: liveVideo(press, post, index) } : {}),
    };
  });
}

/** `aweme_detail` as Douyin's web API writes it; numbers are numbers here. `live`: with the clips of live photos. */
export function awemeDetail(press: Press, post: StandinPost, live: boolean) {
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
    images: post.kind === 'video' ? null : photos(press, post, live),
    statistics: {
      aweme_id: post.id,
      comment_count: post.stats.comment,
      digg_count: post.stats.digg,
      // Always 0 (captured).
      play_count: 0,
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

/** The item as it is sent: in a shape that nobody knows where the post is to be unreadable. */
export function shown<T extends object>(post: StandinPost, item: T): T | object {
  return post.behaviour === 'blind' ? { aweme_id: post.id, media: {} } : item;
}

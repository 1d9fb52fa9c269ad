import { type AssetRef, fileIdOf } from '../addresses.ts';
import { contentOf } from '../content.ts';
import { VIDEO_SECONDS } from '../media.ts';
import { RENDITIONS, type StandinPost } from '../posts.ts';
import { image, type Press, photoUrls, pixelsOf, videoIdOf } from '../press.ts';
import { digest } from '../signing.ts';

/** Hosts that hold the same videos, for clients with the page's cookie. */
export const VIDEO_MIRRORS = ['v16-webapp-prime.tiktok.com', 'v19-webapp-prime.tiktok.com'] as const;
const VIDEO_MIRRORS_US = ['v16m.tiktokcdn-us.com', 'v19m.tiktokcdn-us.com'] as const;
const VQ = '{"v2.0": {"srv1": {"v1080": 98.409, "v960": 98.891, "v864": 99.232, "v720": 99.457}}}';

function bitrateInfo(press: Press, post: StandinPost, index: number, token: string) {
  const name = post.renditions[index];
  const content = contentOf(press.media, post, 'video', index);
  if (name === undefined || content === null) return [];
  const rendition = RENDITIONS[name];
  const ref: AssetRef = { postId: post.id, part: 'video', index };
  const { silent } = rendition;
  const us = post.cdn === 'us';
  const path = us
    ? press.addresses.path(ref, post.mediaLife, 'video_mp4')
    : press.addresses.prime(ref, token, post.mediaLife, { silent });
  const bitrate = Math.round((content.size * 8) / VIDEO_SECONDS);
  const hash = digest(`hash ${fileIdOf(ref)}`).toString('hex');
  const { width, height } = pixelsOf(post, rendition.height);
  return [
    {
      Bitrate: bitrate,
      QualityType: rendition.quality,
      BitrateFPS: 25,
      GearName: rendition.gear,
      PlayAddr: {
        DataSize: String(content.size),
        Width: width,
        Height: height,
        Uri: videoIdOf(post),
        UrlList: [
          ...(us ? VIDEO_MIRRORS_US : VIDEO_MIRRORS).map((host) => `https://${host}${path}`),
          press.addresses.play(ref, videoIdOf(post)),
        ],
        UrlKey: `${videoIdOf(post)}_${rendition.codec}_${rendition.height}p_${bitrate}`,
        FileHash: hash,
        FileCs: `c:0-38854-${hash.slice(0, 4)}`,
      },
      CodecType: rendition.codec === 'h264' ? 'h264' : `${rendition.codec.replace('bytevc1', 'h265')}_hvc1`,
      MVMAF: JSON.stringify(VQ),
      Format: 'mp4',
      VideoExtra: JSON.stringify({
        PktOffsetMap: '[{"time": 1, "offset": 453596}, {"time": 2, "offset": 783654}]',
        mvmaf: VQ,
        volume_info_json: '',
        transcode_feature_id: hash,
        dec_info: '',
        gearvqm: '',
      }),
    },
  ];
}

export function subtitleInfos(press: Press, post: StandinPost) {
  return post.subtitles.map((subtitle, index) => {
    const ref: AssetRef = { postId: post.id, part: 'subtitle', index };
    const size = contentOf(press.media, post, 'subtitle', index)?.size ?? 0;
    return {
      UrlExpire: String(Math.floor(Date.now() / 1000) + post.mediaLife),
      Size: String(size),
      LanguageID: String(index + 2),
      LanguageCodeName: subtitle.language,
      Url: `https://v16-webapp.tiktok.com${press.addresses.path(ref, post.mediaLife, 'video_mp4')}`,
      Format: subtitle.format,
      Version: '4',
      Source: subtitle.source,
    };
  });
}

/** `itemStruct.video` of a photo post: covers and nothing to play. */
function photoVideo(press: Press, post: StandinPost) {
  const cover = photoUrls(press, post, 0)[0] ?? '';
  const none = {
    height: 0,
    width: 0,
    duration: 0,
    ratio: '',
    dynamicCover: '',
    playAddr: '',
    downloadAddr: '',
  };
  return {
    id: post.id,
    ...none,
    cover,
    originCover: cover,
    shareCover: [''],
    reflowCover: cover,
    subtitleInfos: [],
    zoomCover: {},
    bitrate: 0,
    encodedType: '',
    format: '',
    videoQuality: '',
    encodeUserTag: '',
    codecType: '',
    definition: '',
    claInfo: { enableAutoCaption: true },
  };
}

/** `itemStruct.video`, with links for one client's cookie. */
export function video(press: Press, post: StandinPost, token: string) {
  if (post.kind === 'photo') return photoVideo(press, post);
  const cover = (form: string) => image(press, post, 'cover', form);
  const playable = post.behaviour !== 'ad';
  const renditions = playable
    ? post.renditions.flatMap((_, index) => bitrateInfo(press, post, index, token))
    : [];
  const play = renditions.find((info) => info.CodecType === 'h264') ?? renditions[0];
  const size = pixelsOf(post, 540);
  const download: AssetRef = { postId: post.id, part: 'download', index: 0 };
  return {
    id: post.id,
    ...size,
    duration: playable ? VIDEO_SECONDS : 0,
    ratio: '540p',
    cover: cover('tiktokx-origin.image'),
    originCover: cover('tiktokx-origin.image'),
    dynamicCover: cover('tiktokx-origin.image'),
    playAddr: play?.PlayAddr.UrlList[0] ?? '',
    downloadAddr:
      playable && post.download
        ? `https://${VIDEO_MIRRORS[0]}${press.addresses.prime(download, token, post.mediaLife)}`
        : '',
    shareCover: [''],
    reflowCover: cover('tiktokx-cropcenter:720:720.jpeg'),
    bitrate: play?.Bitrate ?? 0,
    encodedType: 'normal',
    format: 'mp4',
    videoQuality: 'normal',
    encodeUserTag: '',
    codecType: 'h264',
    definition: '540p',
    subtitleInfos: subtitleInfos(press, post),
    zoomCover: Object.fromEntries(
      [240, 480, 720, 960].map((side) => [side, cover(`photomode-zoomcover:${side}:${side}.jpeg`)]),
    ),
    volumeInfo: { Loudness: -16.8, Peak: 0.54954 },
    bitrateInfo: renditions,
    size: play?.PlayAddr.DataSize ?? '0',
    VQScore: '74.22',
    claInfo: {
      hasOriginalAudio: true,
      enableAutoCaption: true,
      captionInfos: [],
      noCaptionReason: null,
    },
    videoID: videoIdOf(post),
    ...(play === undefined ? {} : { PlayAddrStruct: play.PlayAddr }),
  };
}

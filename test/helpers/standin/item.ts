import { type Addresses, type AssetRef, fileIdOf } from './addresses.ts';
import { contentOf } from './content.ts';
import { type MediaLibrary, SOUND_SECONDS, VIDEO_SECONDS } from './media.ts';
import { type AssetPart, PHOTO_SHAPES, RENDITIONS, type StandinPost } from './posts.ts';
import { digest } from './signing.ts';

/** What is needed to write down a post. */
export interface Press {
  media: MediaLibrary;
  addresses: Addresses;
}

/** Hosts that hold the same pictures. */
export const IMAGE_MIRRORS = ['p77-sign-sg.tiktokcdn.com', 'p16-sign-sg.tiktokcdn.com'] as const;
const VIDEO_MIRRORS = ['v16-webapp-prime.tiktok.com', 'v19-webapp-prime.tiktok.com'] as const;
const VIDEO_MIRRORS_US = ['v16m.tiktokcdn-us.com', 'v19m.tiktokcdn-us.com'] as const;
const VQ = '{"v2.0": {"srv1": {"v1080": 98.409, "v960": 98.891, "v864": 99.232, "v720": 99.457}}}';

function image(press: Press, post: StandinPost, part: AssetPart, form: string, index = 0): string {
  const ref = { postId: post.id, part, index };
  return press.addresses.image(IMAGE_MIRRORS[1], ref, post.mediaLife, form);
}

/** ByteDance's id of the video file; the same for all renditions. */
export function videoIdOf(post: StandinPost): string {
  return `v14044g50000${BigInt(post.id).toString(32).padStart(20, 'o')}`;
}

/** Pixels of a rendition as the page tells them; "540p" is 576 on its short side. */
export function pixelsOf(post: StandinPost, height: number): { width: number; height: number } {
  const short = height === 540 ? 576 : height;
  const long = Math.round((short * 16) / 9 / 2) * 2;
  return post.wide ? { width: long, height: short } : { width: short, height: long };
}

function bitrateInfo(press: Press, post: StandinPost, index: number, token: string) {
  const name = post.renditions[index];
  const content = contentOf(press.media, post, 'video', index);
  if (name === undefined || content === null) return [];
  const rendition = RENDITIONS[name];
  const ref: AssetRef = { postId: post.id, part: 'video', index };
  const silent = name === 'bytevc1_1080p';
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

function subtitleInfos(press: Press, post: StandinPost) {
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

function video(press: Press, post: StandinPost, token: string) {
  const cover = (form: string) => image(press, post, 'cover', form);
  const renditions = post.renditions.flatMap((_, index) => bitrateInfo(press, post, index, token));
  const play = renditions.find((info) => info.CodecType === 'h264') ?? renditions[0];
  const size = pixelsOf(post, 540);
  const download: AssetRef = { postId: post.id, part: 'download', index: 0 };
  return {
    id: post.id,
    ...size,
    duration: VIDEO_SECONDS,
    ratio: '540p',
    cover: cover('tiktokx-origin.image'),
    originCover: cover('tiktokx-origin.image'),
    dynamicCover: cover('tiktokx-origin.image'),
    playAddr: play?.PlayAddr.UrlList[0] ?? '',
    downloadAddr: post.download
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

function photoUrls(press: Press, post: StandinPost, index: number): string[] {
  const type = PHOTO_SHAPES[post.photos[index] ?? '']?.type ?? 'jpeg';
  const ref: AssetRef = { postId: post.id, part: 'photo', index };
  const form = `photomode-image.${type}`;
  return IMAGE_MIRRORS.map((host) => press.addresses.image(host, ref, post.mediaLife, form));
}

function imagePost(press: Press, post: StandinPost) {
  const images = post.photos.map((shape, index) => ({
    imageURL: { urlList: photoUrls(press, post, index) },
    imageWidth: PHOTO_SHAPES[shape]?.width ?? 0,
    imageHeight: PHOTO_SHAPES[shape]?.height ?? 0,
  }));
  return { images, cover: images[0], shareCover: images[0], title: '' };
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

function music(press: Press, post: StandinPost, token: string) {
  const cover = image(press, post, 'avatar', 'tiktokx-cropcenter:720:720.jpeg');
  return {
    id: `69${post.id.slice(2)}`,
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

function author(press: Press, post: StandinPost) {
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

/** `itemInfo.itemStruct` of a desktop page, for one visitor's cookie. Many numbers are strings there. */
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
  const tags = [...post.desc.matchAll(/#(\w+)/g)].map((match) => ({
    awemeId: '',
    start: match.index,
    end: match.index + match[0].length,
    hashtagId: '1664486433972226',
    hashtagName: match[1],
    type: 1,
    subType: 0,
    isCommerce: false,
  }));
  const crowd = { followerCount: 3700, followingCount: 3, heart: 2022, heartCount: 2022, videoCount: 756 };
  return {
    id: post.id,
    desc: post.desc,
    createTime: String(post.createTime),
    scheduleTime: 0,
    video: post.kind === 'photo' ? photoVideo(press, post) : video(press, post, token),
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
    isAd: false,
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

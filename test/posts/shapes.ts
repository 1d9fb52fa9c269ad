/** One video and one photo post, each in the shapes of all four sources of TikTok; invented values, real host names. */

const CDN = 'https://v16m.tiktokcdn-us.com';
const IMAGES = 'https://p16-common-sign.tiktokcdn-us.com';

export const VIDEO_ID = '7123456789012345600';
/** Upper 32 bits of VIDEO_ID. */
export const VIDEO_CREATED = 1_658_559_029;
export const PHOTO_ID = '7234567890123456789';

const avatar = `${IMAGES}/avatar~tplv-tiktokx-cropcenter:100:100.jpeg`;
const music = { title: 'original sound', author: 'Cat & Co' };
const caption = 'a cat on a swing #cat';
const counts = { digg: 3456, comment: 12, share: 78 };

const gears = [
  {
    codec: 'h264',
    label: 'h264',
    name: 'normal_540_0',
    width: 576,
    height: 1024,
    bitrate: 1_500_000,
    size: 2_856_375,
  },
  {
    codec: 'bytevc1',
    label: 'h265_hvc1',
    name: 'adapt_lowest_1080_1',
    width: 1080,
    height: 1920,
    bitrate: 1_900_000,
    size: 3_618_000,
  },
];
const pathOf = (gear: (typeof gears)[number]) =>
  `/video/tos/useast5/${gear.name}/?bt=${Math.floor(gear.bitrate / 1024)}`;
const keyOf = (gear: (typeof gears)[number]) => `v0f_${gear.codec}_${gear.height}p_${gear.bitrate}`;

const page = {
  author: {
    uniqueId: 'cat',
    nickname: 'Cat',
    signature: 'Meow',
    avatarThumb: avatar,
    avatarMedium: avatar,
    avatarLarger: avatar,
  },
  desc: caption,
  stats: { playCount: 90_000, diggCount: 3500, commentCount: 12, shareCount: 78, collectCount: '55' },
  statsV2: {
    playCount: '90123',
    diggCount: '3456',
    commentCount: '12',
    shareCount: '78',
    collectCount: '55',
  },
};

const pageMusic = {
  title: music.title,
  authorName: music.author,
  playUrl: `${CDN}/audio/?mime_type=audio_mpeg`,
  duration: 15,
};

export const videoPage = {
  ...page,
  id: VIDEO_ID,
  createTime: String(VIDEO_CREATED),
  video: {
    width: 576,
    height: 1024,
    duration: 15,
    cover: `${IMAGES}/cover.image`,
    codecType: 'h264',
    bitrate: 1_500_000,
    size: '2856375',
    playAddr: `https://v16-webapp-prime.tiktok.com${pathOf(gears[0] as never)}&tk=tt_chain_token`,
    downloadAddr: `https://v16-webapp-prime.tiktok.com/video/tos/useast5/marked/?tk=tt_chain_token`,
    bitrateInfo: gears.map((gear) => ({
      Bitrate: gear.bitrate,
      CodecType: gear.label,
      Format: 'mp4',
      GearName: gear.name,
      PlayAddr: {
        Width: gear.width,
        Height: gear.height,
        DataSize: String(gear.size),
        UrlKey: keyOf(gear),
        UrlList: [
          `https://v16-webapp-prime.tiktok.com${pathOf(gear)}&tk=tt_chain_token`,
          `https://v19-webapp-prime.tiktok.com${pathOf(gear)}&tk=tt_chain_token`,
          `https://www.tiktok.com/aweme/v1/play/?file_id=${gear.name}&tk=tt_chain_token`,
        ],
      },
    })),
  },
  music: pageMusic,
};

/** Numbers are numbers, and there is one file. */
export const videoMobile = {
  ...page,
  stats: { playCount: 90_100, diggCount: 3456, commentCount: 12, shareCount: 78, collectCount: 55 },
  statsV2: undefined,
  id: VIDEO_ID,
  createTime: VIDEO_CREATED,
  video: {
    width: 576,
    height: 1024,
    duration: 15,
    cover: `${IMAGES}/cover.image`,
    playAddr: `https://v16-webapp-prime.tiktok.com${pathOf(gears[0] as never)}&tk=tt_chain_token`,
    downloadAddr: '',
  },
  music: pageMusic,
};

const playerAuthor = { unique_id: 'cat', nickname: 'Cat', avatar_url_list: [avatar] };
const playerCounts = { digg_count: counts.digg, comment_count: counts.comment, share_count: counts.share };

export const videoPlayer = {
  // As JSON.parse rounds it.
  id: Number(VIDEO_ID),
  id_str: VIDEO_ID,
  aweme_type: 0,
  desc: caption,
  author_info: playerAuthor,
  statistics_info: playerCounts,
  music_info: { title: music.title, author: music.author },
  video_info: {
    cover: { url_list: [`${IMAGES}/cover.image`] },
    meta: { width: 576, height: 1024, duration: 15_234, bitrate: 1_500_000 },
    url_list: [`${CDN}${pathOf(gears[0] as never)}`],
    profiles: gears.map((gear) => ({
      gear_name: gear.name,
      codec_type: gear.codec,
      bitrate: gear.bitrate,
      play_addr: {
        width: gear.width,
        height: gear.height,
        data_size: gear.size,
        url_key: keyOf(gear),
        url_list: [
          `https://v45.tiktokcdn-us.com${pathOf(gear)}`,
          `${CDN}${pathOf(gear)}`,
          `https://api16-normal-useast5.tiktokv.us/aweme/v1/play/?video_id=v0f&file_id=${gear.name}`,
        ],
      },
    })),
  },
};

const embedAuthor = { uniqueId: 'cat', nickName: 'Cat', covers: [avatar], signature: 'Meow' };
const embedMusic = {
  musicName: music.title,
  authorName: music.author,
  playUrl: [`${CDN}/audio/`],
  duration: 15,
};
const embedCounts = { playCount: 90_000, diggCount: 3456, commentCount: 12, shareCount: 78 };

export const videoEmbed = {
  itemInfos: {
    id: VIDEO_ID,
    text: caption,
    createTime: String(VIDEO_CREATED),
    covers: [`${IMAGES}/cover.image`],
    ...embedCounts,
    video: {
      urls: [`${CDN}/video/tos/useast5/marked/`],
      videoMeta: { width: 576, height: 1024, duration: 15 },
    },
  },
  authorInfos: embedAuthor,
  musicInfos: embedMusic,
  imagePostInfo: null,
};

const photos = [
  { width: 1080, height: 1440 },
  { width: 1440, height: 1080 },
].map((size, index) => ({
  ...size,
  urls: [16, 19].map(
    (host) => `https://p${host}-common-sign.tiktokcdn-us.com/${index}~tplv-photomode-image.jpeg`,
  ),
}));

const noVideo = { width: 0, height: 0, duration: 0, playAddr: '', downloadAddr: '' };

export const photoPage = {
  ...page,
  id: PHOTO_ID,
  createTime: '1684440000',
  video: { ...noVideo, cover: photos[0]?.urls[0] },
  imagePost: {
    images: photos.map(({ width, height, urls }) => ({
      imageWidth: width,
      imageHeight: height,
      imageURL: { urlList: urls },
    })),
  },
  music: pageMusic,
};

export const photoMobile = { ...photoPage, createTime: 1_684_440_000 };

export const photoPlayer = {
  id_str: PHOTO_ID,
  aweme_type: 150,
  desc: caption,
  author_info: playerAuthor,
  statistics_info: playerCounts,
  music_info: { title: music.title, author: music.author },
  video_info: {
    cover: { url_list: [] },
    meta: { width: 0, height: 0, duration: 15_000 },
    url_list: [`${CDN}/audio/?mime_type=audio_mpeg`],
  },
  image_post_info: {
    images: photos.map(({ width, height, urls }) => ({
      display_image: { width, height, url_list: urls },
      owner_watermark_image: { width, height, url_list: [`${IMAGES}/owner-watermark.jpeg`] },
    })),
  },
};

export const photoEmbed = {
  itemInfos: {
    id: PHOTO_ID,
    text: caption,
    createTime: '1684440000',
    ...embedCounts,
    video: { urls: [], videoMeta: { width: 0, height: 0, duration: 0 } },
  },
  authorInfos: embedAuthor,
  musicInfos: embedMusic,
  imagePostInfo: {
    displayImages: photos.map(({ width, height, urls }) => ({ width, height, urlList: urls })),
  },
};

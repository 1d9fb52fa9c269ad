import type { z } from 'zod';
import type { healthResponse, photoResponse, videoResponse } from './post.ts';

/** What the OpenAPI document shows. The tests hold each against its schema. */

const SERVICE = 'https://downloader.example';
const AVATAR = 'https://p16-sign.tiktokcdn-us.com/tos-useast5-avt/avatar.jpeg';

const AUTHOR = {
  nickname: 'Some One',
  uniqueId: 'user',
  signature: 'I film things.',
  avatar: AVATAR,
  avatarThumb: AVATAR,
  avatarMedium: AVATAR,
  avatarLarger: AVATAR,
};

const STATISTICS = {
  play_count: 1_200_000,
  digg_count: 85_000,
  comment_count: 900,
  share_count: 2300,
  collect_count: 4100,
};

export const VIDEO_EXAMPLE: z.input<typeof videoResponse> = {
  status: 'tunnel',
  id: '7123456789012345600',
  url: 'https://www.tiktok.com/@user/video/7123456789012345600',
  title: 'A cat on a swing #cat',
  description: 'A cat on a swing #cat',
  created_at: '2025-11-22T08:00:00Z',
  cover: 'https://p16-sign.tiktokcdn-us.com/tos-useast5-p/cover.jpeg',
  duration: 12_000,
  artist: 'Some One',
  audio: 'https://v16-webapp.tiktok.com/music.mp3',
  music_duration: 17_000,
  author: AUTHOR,
  statistics: STATISTICS,
  download_link: {
    no_watermark: `${SERVICE}/stream?data=AbCd`,
    no_watermark_hd: `${SERVICE}/stream?data=EfGh`,
    watermark: `${SERVICE}/stream?data=IjKl`,
    mp3: `${SERVICE}/download?data=MnOp`,
  },
  formats: [
    {
      id: 'h264_1080p_2400000',
      codec: 'h264',
      width: 1080,
      height: 1920,
      bitrate: 2_400_000,
      size: 7_626_022,
      has_audio: true,
      watermark: false,
      link: `${SERVICE}/stream?data=EfGh`,
    },
  ],
  subtitles: [{ language: 'eng-US', source: 'ASR', format: 'vtt', link: `${SERVICE}/download?data=QrSt` }],
  links_expire_at: '2025-11-22T14:00:00Z',
  cached: false,
  source: 'page',
};

export const PHOTO_EXAMPLE: z.input<typeof photoResponse> = {
  status: 'picker',
  id: '7123456789012345601',
  url: 'https://www.tiktok.com/@user/photo/7123456789012345601',
  title: 'Two cats',
  description: 'Two cats',
  created_at: '2025-11-22T08:00:00Z',
  cover: 'https://p16-sign.tiktokcdn-us.com/tos-useast5-i/photo-1.jpeg',
  duration: 17_000,
  artist: 'Some One',
  audio: 'https://v16-webapp.tiktok.com/music.mp3',
  music_duration: 17_000,
  author: AUTHOR,
  statistics: STATISTICS,
  photos: [
    {
      type: 'photo',
      url: 'https://p16-sign.tiktokcdn-us.com/tos-useast5-i/photo-1.jpeg',
      width: 1080,
      height: 1440,
      link: `${SERVICE}/download?data=AbCd`,
    },
    {
      type: 'photo',
      url: 'https://p16-sign.tiktokcdn-us.com/tos-useast5-i/photo-2.jpeg',
      width: null,
      height: null,
      link: `${SERVICE}/download?data=EfGh`,
    },
  ],
  download_link: {
    no_watermark: [`${SERVICE}/download?data=AbCd`, `${SERVICE}/download?data=EfGh`],
    mp3: `${SERVICE}/download?data=IjKl`,
    zip: `${SERVICE}/download?data=MnOp`,
  },
  subtitles: [],
  download_slideshow_link: `${SERVICE}/download-slideshow?url=QrSt`,
  links_expire_at: '2025-11-22T14:00:00Z',
  cached: true,
  source: 'page',
};

const HEALTH = {
  time: 1_706_284_800.123,
  uptime: 86_400.5,
  version: '1.0.0',
  ytdlp: '2026.10.26',
  workers: { max: 20, active: 3, idle: 17, queued: 0 },
};

export const HEALTH_EXAMPLES: z.input<typeof healthResponse>[] = [
  { status: 'ok', reasons: [], ...HEALTH },
  {
    status: 'degraded',
    reasons: [
      "TikTok's pages cannot be read by yt-dlp 2026.10.26: 18 of the last 20 extractions ended with extractor_outdated. Try `npm run engine:update`",
    ],
    ...HEALTH,
  },
];

export const UNHEALTHY_EXAMPLES: z.input<typeof healthResponse>[] = [
  {
    status: 'down',
    reasons: ['the yt-dlp host is not running'],
    ...HEALTH,
    ytdlp: null,
  },
  { status: 'draining', reasons: ['the service is shutting down'], ...HEALTH },
];

export const PROGRESS_EXAMPLE =
  'retry: 2000\n\ndata: {"stage":"rendering","percent":40}\n\ndata: {"stage":"done","percent":100}\n\n';

export const METRICS_EXAMPLE = [
  '# HELP tiktok_extractions_total Posts asked of TikTok, by outcome: ok or an error code.',
  '# TYPE tiktok_extractions_total counter',
  'tiktok_extractions_total{code="ok"} 1234',
  'tiktok_extractions_total{code="post_private"} 5',
  '',
].join('\n');

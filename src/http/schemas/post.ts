import { z } from 'zod';
import { SOURCE_NAMES } from '../../posts/post.ts';

const link = z.string().meta({ format: 'uri' });
const count = z.number().int().min(0);

const common = {
  id: z.string().meta({ example: '7123456789012345600' }),
  url: link.meta({ description: 'The canonical address of the post.' }),
  title: z.string(),
  description: z.string(),
  created_at: z.string().nullable().meta({ format: 'date-time', example: '2025-11-22T08:00:00Z' }),
  cover: z.string(),
  duration: count.meta({ description: 'Milliseconds; of the sound, for a photo post.' }),
  artist: z.string(),
  audio: z.string().meta({ description: 'The track at the CDN; empty where it has no address.' }),
  music_duration: count.meta({ description: 'Milliseconds.' }),
  author: z.object({
    nickname: z.string().meta({ description: 'The display name.' }),
    uniqueId: z.string().meta({ description: 'The @name.' }),
    signature: z.string(),
    avatar: z.string(),
    avatarThumb: z.string(),
    avatarMedium: z.string(),
    avatarLarger: z.string(),
  }),
  statistics: z.object({
    play_count: count,
    digg_count: count,
    comment_count: count,
    share_count: count,
    collect_count: count,
  }),
};

const tail = {
  subtitles: z
    .array(
      z.object({
        language: z.string(),
        source: z.string(),
        format: z.string().meta({ example: 'vtt' }),
        link,
      }),
    )
    .meta({ description: 'Photo posts have none.' }),
  sounds: z.array(z.object({ kind: z.enum(['track', 'video']), format: z.enum(['mp3', 'm4a']), link })).meta({
    description:
      'The track of the post and the sound of its video, as MP3, and as M4A with the sound as it lies there. First ' +
      'the one that lacks nothing of what is heard, which `download_link.mp3` is.',
  }),
  links_expire_at: z.string().meta({ format: 'date-time', description: 'Until then every link works.' }),
  cached: z.boolean(),
  source: z.enum(SOURCE_NAMES).meta({ description: 'Where the post came from.' }),
  partial: z
    .array(z.string())
    .optional()
    .meta({
      description: 'Fields that this source does not know; numbers among them are 0, texts empty.',
      example: ['statistics.play_count'],
    }),
  images: z
    .object({ cover: z.string(), avatar: z.string() })
    .optional()
    .meta({ description: 'Through this service; only where the request asked with `images: true`.' }),
};

const format = z.object({
  id: z.string().meta({ example: 'h264_1080p_2400000' }),
  codec: z.string().meta({ example: 'h264' }),
  width: count.nullable(),
  height: count.nullable(),
  bitrate: count.nullable().meta({ description: 'Bits a second.' }),
  size: count.nullable().meta({ description: 'Bytes.' }),
  has_audio: z.boolean(),
  watermark: z.boolean(),
  link: link,
});

const videoResponse = z.object({
  status: z.literal('tunnel'),
  ...common,
  download_link: z.object({
    no_watermark: link.optional(),
    no_watermark_hd: link.optional(),
    watermark: link.optional(),
    mp3: link.optional(),
    cover: link.optional().meta({ description: 'Only where the video itself cannot be had.' }),
  }),
  formats: z.array(format),
  notice: z
    .string()
    .optional()
    .meta({ description: 'Why there is no clean video with sound, for a person.' }),
  ...tail,
});

const photoResponse = z.object({
  status: z.literal('picker'),
  ...common,
  photos: z.array(
    z.object({
      type: z.literal('photo'),
      url: link.meta({ description: 'The photo at the CDN, as long as that link lives.' }),
      width: count.nullable(),
      height: count.nullable(),
      link,
      live: z
        .object({
          width: count.nullable(),
          height: count.nullable(),
          duration: count.meta({ description: 'Milliseconds.' }),
          link,
        })
        .optional()
        .meta({ description: 'The clip of a live photo.' }),
    }),
  ),
  download_link: z.object({ no_watermark: z.array(link), mp3: link.optional(), zip: link.optional() }),
  download_slideshow_link: link.optional(),
  ...tail,
});

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

const VIDEO_EXAMPLE: z.input<typeof videoResponse> = {
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
  sounds: [
    { kind: 'track', format: 'mp3', link: `${SERVICE}/download?data=MnOp` },
    { kind: 'video', format: 'mp3', link: `${SERVICE}/download?data=UvWx` },
    { kind: 'video', format: 'm4a', link: `${SERVICE}/download?data=YzAb` },
  ],
  links_expire_at: '2025-11-22T14:00:00Z',
  cached: false,
  source: 'page',
};

const PHOTO_EXAMPLE: z.input<typeof photoResponse> = {
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
  sounds: [{ kind: 'track', format: 'mp3', link: `${SERVICE}/download?data=IjKl` }],
  download_slideshow_link: `${SERVICE}/download-slideshow?url=QrSt`,
  links_expire_at: '2025-11-22T14:00:00Z',
  cached: true,
  source: 'page',
};

export const POST_EXAMPLES = [VIDEO_EXAMPLE, PHOTO_EXAMPLE];

export const postResponse = z
  .discriminatedUnion('status', [videoResponse, photoResponse])
  .meta({ description: 'A video, or a photo post.', examples: POST_EXAMPLES });

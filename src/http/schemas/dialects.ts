import { z } from 'zod';
import { MAX_TEXT } from './tiktok.ts';

const url = z.string().trim().min(1).max(MAX_TEXT);

/** The documented options of cobalt that make a difference here. */
export const cobaltBody = z
  .object({
    url,
    downloadMode: z
      .enum(['auto', 'audio', 'mute'])
      .default('auto')
      .meta({ description: '`mute` where TikTok has a silent video, or the client takes the sound out.' }),
    audioFormat: z
      .enum(['best', 'mp3', 'ogg', 'wav', 'opus'])
      .default('mp3')
      .meta({ description: '`best` and `mp3` are MP3; others are refused where only sound is wanted.' }),
    allowH265: z.boolean().default(false),
    localProcessing: z
      // The boolean is that of earlier versions.
      .union([z.enum(['disabled', 'preferred', 'forced']), z.boolean()])
      .default('disabled')
      .transform((value) => (typeof value === 'string' ? value : value ? 'preferred' : 'disabled'))
      .meta({ description: 'Whether the client can put files together, for captions and `mute`.' }),
    subtitleLang: z.string().min(2).max(8).optional().meta({ description: 'ISO 639-1.', example: 'en' }),
  })
  .meta({ description: "Other options of cobalt's API 11 are accepted and have no effect." });

const link = z.string().meta({ format: 'uri' });
const SERVICE = 'https://downloader.example';

const cobaltFailure = z.object({
  status: z.literal('error'),
  error: z.object({
    code: z.string(),
    context: z.object({ service: z.string().optional(), limit: z.number().optional() }).optional(),
  }),
});

const cobaltAnswer = z
  .discriminatedUnion('status', [
    z.object({ status: z.literal('tunnel'), url: link, filename: z.string() }),
    z.object({
      status: z.literal('picker'),
      picker: z.array(z.object({ type: z.enum(['photo', 'video']), url: link })),
      audio: link.optional(),
      audioFilename: z.string().optional(),
    }),
    z.object({
      status: z.literal('local-processing'),
      type: z.enum(['mute', 'remux']),
      service: z.literal('tiktok'),
      tunnel: z.array(link),
      output: z.object({ type: z.string(), filename: z.string(), subtitles: z.boolean().optional() }),
    }),
  ])
  .meta({
    description: 'The file, the photos, or the files that the client puts together.',
    examples: [
      { status: 'tunnel', url: `${SERVICE}/stream?data=AbCd`, filename: 'user_7123456789012345600.mp4' },
    ],
  });

/** The statuses of the errors are those of POST /tiktok. */
const cobaltErrors = Object.fromEntries(
  [400, 401, 403, 404, 429, 451, 500, 502, 503, 504].map((status) => [
    status,
    cobaltFailure.meta({
      description: "The error, by cobalt's code.",
      examples: [{ status: 'error', error: { code: 'error.api.link.invalid' } }],
    }),
  ]),
);

export const cobaltResponses: Record<number, unknown> = { 200: cobaltAnswer, ...cobaltErrors };

export const cobaltInstance = z
  .object({
    cobalt: z.object({
      version: z.string(),
      url: link,
      startTime: z.string().meta({ description: 'Unix milliseconds.' }),
      services: z.array(z.string()),
    }),
    git: z.object({ commit: z.string(), branch: z.string(), remote: z.string() }),
  })
  .meta({
    description: 'The instance; `git` says which service and version it is.',
    examples: [
      {
        cobalt: { version: '11.7.1', url: `${SERVICE}/`, startTime: '1763798400000', services: ['tiktok'] },
        git: { commit: '1.0.0', branch: 'main', remote: 'tiktok-downloader-service' },
      },
    ],
  });

/** Clients send 1, '1' or true. */
const switchedOn = z
  .union([z.string(), z.number(), z.boolean()])
  .transform((value) => ['1', 'true'].includes(String(value)))
  .optional();

/** A POST has them in its body or in its query. */
export const tikwmFields = z.object({
  url: url.optional().meta({ description: 'Required.' }),
  hd: switchedOn.meta({ description: '1: `hdplay` as well, the largest picture.' }),
  web: switchedOn.meta({ description: '1: links without the address of the service, but for `images`.' }),
});

export type TikwmFields = z.infer<typeof tikwmFields>;

const count = z.number().int().min(0);

const tikwmData = z.object({
  id: z.string(),
  region: z.string(),
  title: z.string(),
  cover: z.string(),
  origin_cover: z.string(),
  duration: count.meta({ description: 'Seconds; 0 for photos.' }),
  play: z.string().meta({ description: 'The video; the music, for photos.' }),
  wmplay: z.string().meta({ description: 'Empty where there is no such video.' }),
  hdplay: z.string().optional(),
  size: count,
  wm_size: count,
  hd_size: count.optional(),
  music: z.string(),
  music_info: z.object({
    id: z.string(),
    title: z.string(),
    play: z.string(),
    cover: z.string(),
    author: z.string(),
    original: z.boolean(),
    duration: count,
    album: z.string(),
  }),
  play_count: count,
  digg_count: count,
  comment_count: count,
  share_count: count,
  download_count: count,
  collect_count: count,
  create_time: count,
  author: z.object({ id: z.string(), unique_id: z.string(), nickname: z.string(), avatar: z.string() }),
  images: z.array(z.string()).optional(),
});

export const tikwmResponses: Record<number, unknown> = {
  200: z
    .object({
      code: z.number().meta({ description: '0, or -1 for an error.' }),
      msg: z.string(),
      processed_time: z.number().meta({ description: 'Seconds.' }),
      data: tikwmData.optional(),
    })
    .meta({
      description: 'The post, or an error in words.',
      examples: [
        { code: -1, msg: 'Url parsing is failed! This post does not exist.', processed_time: 0.0012 },
      ],
    }),
};

import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../../errors.ts';
import { HEALTH_EXAMPLES, PHOTO_EXAMPLE, UNHEALTHY_EXAMPLES, VIDEO_EXAMPLE } from './examples.ts';

/** What clients receive, for the OpenAPI document. The tests hold running answers against these schemas. */

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
  links_expire_at: z.string().meta({ format: 'date-time', description: 'Until then every link works.' }),
  cached: z.boolean(),
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

export const videoResponse = z.object({
  status: z.literal('tunnel'),
  ...common,
  download_link: z.object({
    no_watermark: link.optional(),
    no_watermark_hd: link.optional(),
    watermark: link.optional(),
    mp3: link,
  }),
  formats: z.array(format),
  ...tail,
});

export const photoResponse = z.object({
  status: z.literal('picker'),
  ...common,
  photos: z.array(
    z.object({
      type: z.literal('photo'),
      url: link.meta({ description: 'The photo at the CDN, as long as that link lives.' }),
      width: count.nullable(),
      height: count.nullable(),
      link,
    }),
  ),
  download_link: z.object({ no_watermark: z.array(link), mp3: link.optional(), zip: link }),
  download_slideshow_link: link,
  ...tail,
});

export const postResponse = z
  .discriminatedUnion('status', [videoResponse, photoResponse])
  .meta({ description: 'A video, or a photo post.', examples: [VIDEO_EXAMPLE, PHOTO_EXAMPLE] });

const errorResponse = z.object({
  error: z.string().meta({ description: 'A sentence for a person.' }),
  code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  retryable: z.boolean().meta({ description: 'Whether the same request may succeed later.' }),
  retry_after: count
    .optional()
    .meta({ description: 'Seconds, where waiting helps; also the header Retry-After.' }),
  request_id: z.string(),
});

/** The error answers of a route, one for each HTTP status, with an example for each code. */
export function errorResponses(...codes: ErrorCode[]): Record<number, z.ZodType> {
  const statuses = [...new Set(codes.map((code) => ERRORS[code].status))];
  return Object.fromEntries(
    statuses.map((status) => {
      const sameStatus = codes.filter((code) => ERRORS[code].status === status);
      const description = sameStatus.map((code) => `\`${code}\`: ${ERRORS[code].message}`).join(' ');
      return [status, errorResponse.meta({ description, examples: sameStatus.map(exampleOf) })];
    }),
  );
}

/** Seconds, for the examples of errors that say when to try again. */
const RETRY_AFTER_EXAMPLES: Partial<Record<ErrorCode, number>> = {
  rate_limited: 42,
  busy: 5,
  ip_blocked: 60,
};

function exampleOf(code: ErrorCode) {
  const { message, retryable } = ERRORS[code];
  const retry_after = RETRY_AFTER_EXAMPLES[code];
  const wait = retry_after === undefined ? {} : { retry_after };
  return { error: message, code, retryable, ...wait, request_id: '0190d2a4-7c3e-4b7e-9f43-5d6f0a1b2c3d' };
}

const bytes = z.string().meta({ format: 'binary' });
const nothing = (description: string) => z.null().meta({ description });

/** What a route that sends a file answers, apart from errors. */
export function fileResponses(...mediaTypes: string[]): Record<number, unknown> {
  const content = Object.fromEntries(mediaTypes.map((type) => [type, { schema: bytes }]));
  return {
    200: { description: 'The whole file, with Content-Disposition, ETag and Accept-Ranges.', content },
    206: { description: 'The part that was asked for with Range.', content },
    304: nothing('Unchanged since If-None-Match or If-Modified-Since.'),
    412: nothing('Another version than If-Match or If-Unmodified-Since ask for.'),
    416: nothing('The Range lies outside of the file; Content-Range says how long that is.'),
    431: errorResponse.meta({
      description: "`invalid_request`: the request's head is longer than 16 KB.",
      examples: [exampleOf('invalid_request')],
    }),
  };
}

/** What a route answers that is not JSON and has no schema. */
export function textResponse(
  mediaType: string,
  description: string,
  example: string,
): Record<number, unknown> {
  return {
    200: { description, content: { [mediaType]: { schema: z.string().meta({ examples: [example] }) } } },
  };
}

const workers = z.object({ max: count, active: count, idle: count, queued: count });

const status = z.enum(['ok', 'degraded', 'down', 'draining']);

const statusOf = (description: string, ...examples: z.infer<typeof status>[]) =>
  z.object({ status }).meta({ description, examples: examples.map((one) => ({ status: one })) });

export const liveResponse = statusOf('The process answers.', 'ok');
export const readyResponses = {
  200: statusOf('It may be sent visitors.', 'ok', 'degraded'),
  503: statusOf('It may not.', 'down', 'draining'),
};

export const healthResponse = z.looseObject({
  status,
  reasons: z.array(z.string()).meta({ description: 'Why it is not ok, in words.' }),
  time: z.number().meta({ description: 'Unix seconds.' }),
  uptime: z.number().meta({ description: 'Seconds.' }),
  version: z.string(),
  ytdlp: z.string().nullable(),
  workers,
});

export const healthResponses = {
  200: healthResponse.meta({ description: 'Posts are served.', examples: HEALTH_EXAMPLES }),
  503: healthResponse.meta({ description: 'They are not.', examples: UNHEALTHY_EXAMPLES }),
};

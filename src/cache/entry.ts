import { z } from 'zod';
import type { Post } from '../posts/post.ts';

/**
 * Why a post is not to be had, where that is a fact about the post alone and worth remembering for a moment.
 * `region_blocked` and `login_required` are not among them: they are about the way out and the cookies in use, and
 * the next try may go another way or have other cookies.
 */
export type Absence = 'post_not_found' | 'post_private';

/** What is remembered of a link, until a time in Unix milliseconds. */
export type Entry = { until: number; post: Post } | { until: number; absent: Absence };

export function isAbsence(code: string): code is Absence {
  return code === 'post_not_found' || code === 'post_private';
}

/** Bytes of an entry as JSON, roughly: most of a post is ASCII. */
export function weigh(entry: Entry): number {
  return JSON.stringify(entry).length;
}

/** Null for everything that encodeEntry did not write, whatever else lies under our keys. */
export function decodeEntry(text: string): Entry | null {
  return entrySchema.safeParse(parse(text)).data ?? null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const urls = z.array(z.string().refine((url) => URL.canParse(url)));
const measure = z.number().nullable();

const refSchema = z.object({
  platform: z.enum(['tiktok', 'douyin']),
  id: z.string().min(1),
  user: z.string().exactOptional(),
});

const postSchema: z.ZodType<Post> = z.object({
  ref: refSchema,
  kind: z.enum(['video', 'photo']),
  url: z.string(),
  title: z.string(),
  description: z.string(),
  createdAt: measure,
  cover: z.string().nullable(),
  durationMs: z.number(),
  author: z.object({
    nickname: z.string(),
    uniqueId: z.string(),
    signature: z.string(),
    avatarThumb: z.string(),
    avatarMedium: z.string(),
    avatarLarger: z.string(),
  }),
  statistics: z.object({
    play: z.number(),
    digg: z.number(),
    comment: z.number(),
    share: z.number(),
    collect: z.number(),
  }),
  renditions: z.array(
    z.object({
      id: z.string(),
      codec: z.string(),
      width: measure,
      height: measure,
      bitrate: measure,
      size: measure,
      hasAudio: z.boolean(),
      watermark: z.boolean(),
      playable: z.boolean(),
      urls,
    }),
  ),
  photos: z.array(z.object({ width: measure, height: measure, urls })),
  subtitles: z.array(z.object({ language: z.string(), source: z.string(), format: z.string(), urls })),
  sound: z
    .object({
      title: z.string(),
      author: z.string(),
      album: z.string(),
      durationMs: z.number(),
      cover: z.string().nullable(),
      urls,
    })
    .nullable(),
  cookie: z.string().nullable(),
  egress: z.string(),
  mediaExpiresAt: measure,
});

const entrySchema: z.ZodType<Entry> = z.union([
  z.object({ until: z.number(), post: postSchema }),
  z.object({ until: z.number(), absent: z.enum(['post_not_found', 'post_private']) }),
]);

/** The target of a short link, as it is remembered. */
export function decodeRef(text: string) {
  return refSchema.safeParse(parse(text)).data ?? null;
}

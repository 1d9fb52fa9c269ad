import { z } from 'zod';
import {
  type Author,
  type LiveClip,
  type Photo,
  type Post,
  type PostRef,
  type Rendition,
  SOURCE_NAMES,
  type Sound,
  type Statistics,
  type Subtitle,
} from '../posts/post.ts';

/**
 * Why a post is unavailable, where that is a fact about the post alone. `region_blocked` and `login_required` depend on
 * the egress and the cookies, so they are not cached.
 */
export type NegativeResult = 'post_not_found' | 'post_private';

/** What is cached for a link; `until` in Unix milliseconds. */
export type CacheEntry = { until: number; post: Post } | { until: number; absent: NegativeResult };

export function isNegativeResult(code: string): code is NegativeResult {
  return code === 'post_not_found' || code === 'post_private';
}

/** Approximate bytes of an entry as JSON: most of a post is ASCII. */
export function sizeOf(entry: CacheEntry): number {
  return JSON.stringify(entry).length;
}

/** Null for anything but the JSON of a CacheEntry. */
export function decodeEntry(text: string): CacheEntry | null {
  return entrySchema.safeParse(parse(text)).data ?? null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A schema with exactly the fields of T, checked by the compiler. */
function exactly<T>(fields: { [K in keyof T]-?: z.ZodType<T[K]> }): z.ZodType<T> {
  return z.object(fields) as unknown as z.ZodType<T>;
}

const urls = z.array(z.string().refine((url) => URL.canParse(url)));
const text = z.string();
const count = z.number();
const nullable = z.number().nullable();

const refSchema = exactly<PostRef>({
  platform: z.enum(['tiktok', 'douyin']),
  id: text.min(1),
  user: text.exactOptional(),
});

const postSchema = exactly<Post>({
  ref: refSchema,
  kind: z.enum(['video', 'photo']),
  url: text,
  title: text,
  description: text,
  createdAt: nullable,
  cover: text.nullable(),
  durationMs: count,
  author: exactly<Author>({
    nickname: text,
    uniqueId: text,
    signature: text,
    avatarThumb: text,
    avatarMedium: text,
    avatarLarger: text,
  }),
  statistics: exactly<Statistics>({ play: count, digg: count, comment: count, share: count, collect: count }),
  renditions: z.array(
    exactly<Rendition>({
      id: text,
      codec: text,
      width: nullable,
      height: nullable,
      bitrate: nullable,
      size: nullable,
      hasAudio: z.boolean(),
      watermark: z.boolean(),
      playable: z.boolean(),
      urls,
    }),
  ),
  photos: z.array(
    exactly<Photo>({
      width: nullable,
      height: nullable,
      urls,
      live: exactly<LiveClip>({ width: nullable, height: nullable, durationMs: count, urls }).nullable(),
    }),
  ),
  subtitles: z.array(exactly<Subtitle>({ language: text, source: text, urls })),
  sound: exactly<Sound>({
    title: text,
    author: text,
    album: text,
    durationMs: count,
    cover: text.nullable(),
    urls,
    isMixed: z.boolean().exactOptional(),
  }).nullable(),
  cookie: text.nullable(),
  egress: text,
  mediaExpiresAt: nullable,
  source: z.enum(SOURCE_NAMES),
  partial: z.array(text),
});

const entrySchema: z.ZodType<CacheEntry> = z.union([
  z.object({ until: count, post: postSchema }),
  z.object({ until: count, absent: z.enum(['post_not_found', 'post_private']) }),
]);

/** The cached target of a short link; null for anything else. */
export function decodeRef(json: string): PostRef | null {
  return refSchema.safeParse(parse(json)).data ?? null;
}

import type { ClientBounds } from '../concurrency/index.ts';

/** Limits of files that the service makes: sounds, slideshows and pictures. */

/**
 * Files of one kind that may be fetched at a time, for each render slot: a slow CDN must not leave a core idle. One
 * client has at most as many as there are render slots, so that slow tracks of a few do not keep out the others.
 */
export const FETCHES_PER_SLOT = 8;
/** Files of one kind that wait for their turn, in all. */
export const MAX_WAITING = 50;
/** Files of one kind that one client may have in the making, running or waiting. */
export const FILES_PER_CLIENT = 4;
/** The bounds of one kind of files, where they are not the above. */
export interface KindLimits {
  /** Files that wait for their turn, in all. */
  waiting: number;
  /** Files of one client that are fetched, and in the making. */
  perClient: ClientBounds;
}

/** A grid of photos, and an archive of them; as many fetches at a time as a browser opens to one host. */
export const PICTURE_LIMITS: KindLimits = { waiting: 500, perClient: { running: 6, total: 80 } };

/** Milliseconds from the start of the first fetch to the finished file. */
export const MAX_WORK_MS = 10 * 60_000;

/** Share of the free space and of the space of finished files that the finished files of one kind may take. */
export const KEPT_SHARE = 0.25;
/** Share of the free space that the sources under way may take together. */
export const SOURCES_SHARE = 0.5;
/** Bytes of all sources of sounds under way; keeps a Kubernetes pod below its `sizeLimit`, which statfs does not show. */
export const MAX_SOURCES_BYTES = 1024 * 1024 * 1024;

/** How long a finished file is kept, in milliseconds, and all of them in bytes. */
export const KEPT_SOUNDS = { maxAgeMs: 15 * 60_000, maxBytes: 512 * 1024 * 1024 } as const;
export const KEPT_SLIDESHOWS = { maxAgeMs: 30 * 60_000, maxBytes: 1024 * 1024 * 1024 } as const;

export const KEPT_PICTURES = { maxAgeMs: 30 * 60_000, maxBytes: 128 * 1024 * 1024 } as const;

/** Processes that convert pictures, each one picture at a time. */
export const PICTURE_PROCESSES = 2;
/** Milliseconds that such a process is kept without work. */
export const IDLE_PICTURE_PROCESS_MS = 15_000;
/** Milliseconds for the conversion of one picture. */
export const PICTURE_LIMIT_MS = 10_000;
/** Bytes of a photo that is converted. */
export const MAX_PICTURE_BYTES = 20 * 1024 * 1024;

/** Bytes of a track or video that becomes a sound; an hour of 1080p is below. */
export const MAX_SOUND_SOURCE_BYTES = 1024 * 1024 * 1024;
/** Seconds of an MP3; TikTok's longest videos have an hour. A longer sound fails. */
export const MAX_MP3_SECONDS = 2 * 3600;
/** Bytes of an MP3: MAX_MP3_SECONDS at 192 kbit/s, and a cover. */
export const MAX_MP3_BYTES = MAX_MP3_SECONDS * 24_000 + 4 * 1024 * 1024;
/** Milliseconds for one conversion and for one cover. */
export const CONVERSION_LIMIT_MS = 5 * 60_000;
export const COVER_LIMIT_MS = 10_000;
/** Bytes of the picture that becomes a cover. */
export const MAX_COVER_BYTES = 10 * 1024 * 1024;
/** Milliseconds that a sound waits for its tags and its cover. */
export const METADATA_LIMIT_MS = 15_000;

/** Seconds of a slideshow whose options the client chooses. */
export const MAX_SLIDESHOW_SECONDS = 5 * 60;
/** Bytes of one photo or track of a slideshow. */
export const MAX_SLIDESHOW_PART_BYTES = 64 * 1024 * 1024;
/** Bytes of the clip of a live photo in a slideshow; a larger one gives way to its still. TikTok's have some 3 s. */
export const MAX_SLIDESHOW_CLIP_BYTES = 16 * 1024 * 1024;
/** Milliseconds without a finished slide after which a render process counts as hung. */
export const RENDER_STALL_MS = 60_000;

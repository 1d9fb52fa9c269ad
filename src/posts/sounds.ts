import type { Post } from './post.ts';
import { queryParam } from './query-param.ts';
import { chooseRenditions } from './renditions.ts';

/** A sound of a post: its track, or what is heard in its video. */
export type SoundOf = 'track' | 'video';

/** Milliseconds that a whole track may be shorter than its video: sources round to seconds. */
const ROUNDING_MS = 1000;

/** The sounds that a post has; first the one that lacks nothing of what is heard. */
export function soundsOf(post: Post): SoundOf[] {
  const { sound, durationMs } = post;
  const video: SoundOf[] = videoUrls(post) ? ['video'] : [];
  if (!sound || sound.urls.length === 0) return video;
  const isCut = sound.durationMs > 0 && sound.durationMs + ROUNDING_MS < durationMs;
  return isCut || sound.isMixed ? [...video, 'track'] : ['track', ...video];
}

/** Where a sound lies: for a track that this source does not know, in the video, which has it as well. */
export function soundUrls(post: Post, of: SoundOf): readonly string[] | undefined {
  if (of === 'track' && post.sound && post.sound.urls.length > 0) return post.sound.urls;
  return videoUrls(post);
}

/** The formats that a sound can be had in: an MP3 address has no M4A. */
export function soundFormats(post: Post, of: SoundOf): ('mp3' | 'm4a')[] {
  return soundUrls(post, of)?.some(isMp3) ? ['mp3'] : ['mp3', 'm4a'];
}

function videoUrls({ renditions }: Post): readonly string[] | undefined {
  const { standard, watermark } = chooseRenditions(renditions, 'h264');
  return (standard ?? watermark)?.urls;
}

function isMp3(url: string): boolean {
  return queryParam(url, 'mime_type') === 'audio_mpeg' || /\.mp3(?:[?#]|$)/.test(url);
}

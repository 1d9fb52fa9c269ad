import type { Post } from './api.ts';
import { captionOf } from './history.ts';
import { t } from './language.ts';

/** Tells tabs and entries of the browser's history apart. Without characters that turn the direction of text. */
export function showTitle(post: Post | null): void {
  const words = post ? [post.author.nickname || `@${post.author.uniqueId}`, captionOf(post)] : [];
  const title = words
    .filter(Boolean)
    .join(': ')
    .replace(/[\u202a-\u202e\u2066-\u2069\s]+/g, ' ');
  document.title = title ? `${title.slice(0, 80)} – ${t.name}` : t.name;
}

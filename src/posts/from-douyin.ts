import { postFromAweme } from './from-aweme.ts';
import { withYtdlpRenditions } from './from-ytdlp.ts';
import type { Post, PostRef } from './post.ts';
import type { Extracted } from './ytdlp.ts';

/** A post out of an aweme whose addresses the host has moved to yt-dlp's formats. */
export function postFromDouyin({ info, item, cookies }: Extracted, ref: PostRef, egress: string): Post {
  const context = { ref, egress, source: 'detail', cookies } as const;
  const post = postFromAweme(item, context);
  return post.photos.length > 0 ? post : withYtdlpRenditions(post, info, context);
}

import type { Post } from './api.ts';

/** Posts that are shown again without a request. */
const MAX_POSTS = 40;

/** By the page's addresses of their links. */
const posts = new Map<string, Post>();

export function keepPost(address: string, post: Post): void {
  posts.delete(address);
  posts.set(address, post);
  const [oldest] = posts.keys();
  if (posts.size > MAX_POSTS && oldest !== undefined) posts.delete(oldest);
}

/** A post that was shown before and whose links still work. */
export function knownPost(address: string): Post | undefined {
  const post = posts.get(address);
  return post && Date.parse(post.links_expire_at) > Date.now() ? post : undefined;
}

import { type Answer, answer, type Exchange } from '../delivery.ts';
import type { PostRegistry, StandinPost } from '../posts.ts';
import { image, type Press, pixelsOf } from '../press.ts';
import { musicIdOf } from './item.ts';
import { standingOf } from './standing.ts';

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

/** The id in the address that is asked about: only the long form of a video's is understood. */
export function postIdOfOembed(url: URL): string | null {
  const about = url.searchParams.get('url') ?? '';
  return /^https?:\/\/(?:www\.)?tiktok\.com\/@[^/]*\/(?:video|photo)\/(\d{5,20})/.exec(about)?.[1] ?? null;
}

function card(press: Press, post: StandinPost) {
  const page = `https://www.tiktok.com/@${post.user}`;
  const size = pixelsOf(post, 540);
  return {
    version: '1.0',
    type: 'video',
    title: post.desc,
    author_url: page,
    author_name: post.nickname,
    width: '100%',
    height: '100%',
    html:
      `<blockquote class="tiktok-embed" cite="${page}/video/${post.id}" data-video-id="${post.id}" ` +
      'data-embed-from="oembed" style="max-width:605px; min-width:325px;"> <section> ' +
      `<a target="_blank" title="@${post.user}" href="${page}?refer=embed">@${post.user}</a> ` +
      `<a target="_blank" title="♬ ${post.musicTitle}" href="https://www.tiktok.com/music/original-sound-${musicIdOf(post)}?refer=embed">` +
      `♬ ${post.musicTitle}</a> </section> </blockquote> <script async src="https://www.tiktok.com/embed.js"></script>`,
    thumbnail_width: size.width,
    thumbnail_height: size.height,
    thumbnail_url: image(press, post, 'cover', 'tiktokx-origin.image'),
    provider_url: 'https://www.tiktok.com',
    provider_name: 'TikTok',
    author_unique_id: post.user,
    embed_product_id: post.id,
    embed_type: 'video',
  };
}

/**
 * `/oembed?url=`: 200 for public videos and, captured 2026-09-28, for withheld ones; 400 without a byte for
 * deleted (captured), private (two readers) and photo posts (two readers against one). The user may be anything.
 */
export function answerOembed(press: Press, posts: PostRegistry, exchange: Exchange): Answer {
  const id = postIdOfOembed(exchange.url);
  const post = id === null ? null : posts.get(id, 'tiktok');
  const standing = standingOf(post);
  const shown = post?.kind === 'video' && (standing === 'public' || standing === 'withheld');
  return shown ? answer(200, JSON.stringify(card(press, post)), JSON_TYPE) : answer(400, '', JSON_TYPE);
}

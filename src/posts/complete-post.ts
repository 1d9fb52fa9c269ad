import { linkExpiry } from './expiry.ts';
import type { Post } from './post.ts';
import { queryParam } from './query-param.ts';
import { canonicalUrl } from './url.ts';

interface Draft extends Omit<Post, 'url' | 'cookie' | 'mediaExpiresAt'> {
  cookies: Readonly<Record<string, string>>;
}

/** The parts of a post that follow from the others: its address, its media's cookie, the life of its links. */
export function completePost({ cookies, ...draft }: Draft): Post {
  const media = [
    ...draft.renditions,
    ...draft.photos,
    ...draft.subtitles,
    ...(draft.sound ? [draft.sound] : []),
  ];
  const urls = media.flatMap((one) => one.urls);
  const name = urls.map(namedCookie).find((one) => one !== null && Object.hasOwn(cookies, one));
  const ends = urls.map(linkExpiry).filter((time) => time !== null);
  return {
    ...draft,
    url: canonicalUrl(draft.ref, draft.kind),
    cookie: name ? `${name}=${cookies[name]}` : null,
    mediaExpiresAt: ends.length > 0 ? Math.min(...ends) : null,
  };
}

/** The cookie that a media link asks for: `tk=tt_chain_token` in its query. */
function namedCookie(url: string): string | null {
  return queryParam(url, 'tk');
}

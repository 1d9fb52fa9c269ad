import { linkExpiry } from './expiry.ts';
import type { Post, PostRef, SourceName } from './post.ts';
import { queryParam } from './query-param.ts';
import { canonicalUrl } from './url.ts';

/** What a reader knows beside the raw item. */
export interface ReadContext {
  /** The requested post. */
  ref: PostRef;
  egress: string;
  source: SourceName;
  /** Cookies of the response; media links require some of them by name. */
  cookies: Readonly<Record<string, string>>;
}

type Draft = Omit<Post, 'url' | 'cookie' | 'mediaExpiresAt' | 'egress' | 'source'>;

/** The parts of a post that follow from the others: its address, the cookie and the expiry of its media links. */
export function completePost(
  draft: Draft,
  { egress, source, cookies }: Pick<ReadContext, 'egress' | 'source' | 'cookies'>,
): Post {
  const media = [
    ...draft.renditions,
    ...draft.photos,
    ...draft.photos.flatMap(({ live }) => live ?? []),
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
    egress,
    mediaExpiresAt: ends.length > 0 ? Math.min(...ends) : null,
    source,
  };
}

/** The cookie that a media link requires: `tk=tt_chain_token` in its query. */
function namedCookie(url: string): string | null {
  return queryParam(url, 'tk');
}

const PASTE_A_POST = 'Paste the link of a single video or photo post.';

interface Page {
  host: RegExp;
  path: RegExp;
  /** As in "This is a link to …". */
  what: string;
}

const TIKTOK = /^(?:(?:www|m|lite|t)\.)?tiktok\.com$/;
const DOUYIN = /^(?:(?:www|m)\.)?(?:ies)?douyin\.com$/;

/** Pages of TikTok and Douyin that are no post; the first that matches counts. */
const PAGES: readonly Page[] = [
  { host: /^live\.(?:tiktok|douyin)\.com$|^webcast\.amemv\.com$/, path: /^/, what: 'a live stream' },
  { host: TIKTOK, path: /^\/(?:@[^/]*\/)?live(?:\/|$)/, what: 'a live stream' },
  { host: /^(?:shop|seller[\w-]*)\.tiktok\.com$|^haohuo\.jinritemai\.com$/, path: /^/, what: 'a shop page' },
  { host: TIKTOK, path: /^\/(?:shop|view\/product)(?:\/|$)/, what: 'a shop page' },
  { host: TIKTOK, path: /^\/(?:share\/)?music\//, what: 'a sound' },
  { host: DOUYIN, path: /^\/(?:share\/)?music\//, what: 'a sound' },
  { host: TIKTOK, path: /^\/(?:tag|search|discover)(?:\/|$)/, what: 'a list of posts' },
  { host: TIKTOK, path: /^\/(?:@|%40)[^/]+\/(?:playlist|collection)\//, what: 'a list of posts' },
  { host: DOUYIN, path: /^\/(?:hashtag|search|collection|share\/mix)(?:\/|$)/, what: 'a list of posts' },
  { host: TIKTOK, path: /^\/(?:@|%40)[^/]+\/?$/, what: 'a profile' },
  { host: DOUYIN, path: /^\/(?:share\/)?user\//, what: 'a profile' },
];

/** What a link of TikTok or Douyin is that is no post, as a sentence for a person; null where that is not known. */
export function explainUnsupported(link: string): string | null {
  if (!URL.canParse(link)) return null;
  const { hostname, pathname } = new URL(link);
  const page = PAGES.find(({ host, path }) => host.test(hostname) && path.test(pathname));
  return page ? `This is a link to ${page.what}, not to a post. ${PASTE_A_POST}` : null;
}

const POST_HOST = /^([a-z]+\.)?(tiktok|tiktokv|douyin|iesdouyin)\.com$/;

/** Longest text that the field and POST /tiktok take. */
export const MAX_TEXT = 4000;

/** The text that the page was opened with: `?url=`, or the fields of a phone's share sheet. */
export function sharedText(search: string): string {
  const query = new URLSearchParams(search);
  return ['url', 'text', 'title']
    .map((name) => query.get(name)?.trim() ?? '')
    .filter(Boolean)
    .join(' ');
}

/**
 * The TikTok and Douyin addresses in a text, with or without a scheme, each once. A link that was pasted right behind
 * another is one of its own; a link in the query of another is not.
 */
function ownAddresses(text: string): URL[] {
  const links = text.match(/https?:\/\/(?:[=?&]https?:\/\/|(?!https?:\/\/)\S)+/gi) ?? [];
  const bare = text.split(/\s+/).filter((word) => !word.includes('://'));
  const found = [...links, ...bare.map((word) => `https://${word.replace(/^[("'«<[]+/, '')}`)]
    .map((link) => link.replace(/[.,;:!?)\]}>»"'…]+$/, ''))
    .filter((link) => URL.canParse(link))
    .map((link) => new URL(link))
    .filter(({ hostname, pathname, search }) => POST_HOST.test(hostname) && pathname + search !== '/');
  return [...new Set(found.map((url) => url.href.replace(/^http:/, 'https:')))].map((href) => new URL(href));
}

/** Whether the address looks like that of a post; the service knows for sure. */
function isPost({ hostname, pathname, searchParams }: URL): boolean {
  if (/^v[mt]?\./.test(hostname)) return /^\/[\w-]+\/?$/.test(pathname);
  return /\/(video|photo|note|slides|v|t|embed|player)\/./.test(pathname) || searchParams.has('modal_id');
}

/** The addresses of posts in a text. */
export function postAddresses(text: string): string[] {
  return ownAddresses(text)
    .filter(isPost)
    .map(({ href }) => href);
}

/** The first address of a post in a text, else the first of the platforms, about which the service has words. */
export function postAddress(text: string): string | null {
  return postAddresses(text)[0] ?? ownAddresses(text)[0]?.href ?? null;
}

/** The platform of the post that a text links to; TikTok where it links to none. */
export function platformOf(text: string): 'tiktok' | 'douyin' {
  const address = postAddress(text);
  return address && /douyin\.com$/.test(new URL(address).hostname) ? 'douyin' : 'tiktok';
}

/** The page's own address for the posts of a text, which a reload and a bookmark open again. */
export function pageAddress(text: string): string {
  return `?url=${encodeURIComponent(postAddresses(text).join(' ') || (postAddress(text) ?? text.slice(0, 500)))}`;
}

/** The text to request: a link without a scheme gets one, everything else is left to the service. */
export function requestText(text: string): string {
  return /https?:\/\//i.test(text) ? text : (postAddress(text) ?? text);
}

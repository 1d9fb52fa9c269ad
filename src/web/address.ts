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

/** The TikTok and Douyin addresses in a text, with or without a scheme, each once. */
export function postAddresses(text: string): string[] {
  const links = text.match(/https?:\/\/\S+/gi) ?? [];
  const bare = text.split(/\s+/).filter((word) => !word.includes('://'));
  const found = [...links, ...bare.map((word) => `https://${word.replace(/^[("'«<[]+/, '')}`)]
    .map((link) => link.replace(/[.,;:!?)\]}>»"'…]+$/, ''))
    .filter((link) => URL.canParse(link))
    .map((link) => new URL(link))
    .filter(({ hostname, pathname, search }) => POST_HOST.test(hostname) && pathname + search !== '/');
  return [...new Set(found.map((url) => url.href.replace(/^http:/, 'https:')))];
}

export function postAddress(text: string): string | null {
  return postAddresses(text)[0] ?? null;
}

/** The platform of the post that a text links to; TikTok where it links to none. */
export function platformOf(text: string): 'tiktok' | 'douyin' {
  const address = postAddress(text);
  return address && /douyin\.com$/.test(new URL(address).hostname) ? 'douyin' : 'tiktok';
}

/** The page's own address for a post, which a reload and a bookmark open again. */
export function pageAddress(text: string): string {
  return `?url=${encodeURIComponent(postAddress(text) ?? text.slice(0, 500))}`;
}

/** The text to request: a link without a scheme gets one, everything else is left to the service. */
export function requestText(text: string): string {
  return /https?:\/\//i.test(text) ? text : (postAddress(text) ?? text);
}

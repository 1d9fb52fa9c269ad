const POST_HOST = /^([a-z]+\.)?(tiktok|tiktokv|douyin|iesdouyin)\.com$/;

/** The link a visitor came with: `?url=`, or what a phone's share sheet says, which puts the link anywhere. */
export function sharedText(search: string): string {
  const query = new URLSearchParams(search);
  return ['url', 'text', 'title']
    .map((name) => query.get(name)?.trim() ?? '')
    .filter(Boolean)
    .join(' ');
}

/** The address of a post in what the visitor pasted; a link to anywhere else is not offered back. */
export function postAddress(text: string): string | null {
  const links = text.match(/https:\/\/[^\s]+/g) ?? [];
  return links.find((link) => URL.canParse(link) && POST_HOST.test(new URL(link).hostname)) ?? null;
}

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: () => string },
  ): { createScriptURL(input: string): string };
}

/** Keeps the page for when there is no connection. The page's policy allows no script address made of text but this. */
export function registerWorker(): void {
  const { trustedTypes } = window as { trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy('worker', { createScriptURL: () => './sw.js' });
  void navigator.serviceWorker?.register(policy?.createScriptURL('') ?? './sw.js').catch(() => undefined);
}

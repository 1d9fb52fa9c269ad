import { ServiceError } from '../errors.ts';
import type { Platform, PostRef } from './post.ts';

/** What a link can name: a post, or a short code that only TikTok can translate. */
export type PostLink = { kind: 'post'; ref: PostRef } | { kind: 'short'; platform: Platform; url: string };

/** Characters that may stand in a URL (RFC 3986); anything else, such as Chinese text, ends it. */
const URL_IN_TEXT = /https?:\/\/[\w\-.~:/?#[\]@!$&'()*+,;=%]+/gi;
const TRAILING_PUNCTUATION = /[)\].,;:!?'*]+$/;

const ID = '(?<id>\\d{1,25})';
const CODE = /^\/(?<code>[\w-]{1,64})\/?$/;

const TIKTOK_PATHS = [
  // Messengers and mail programs write the @ as %40.
  new RegExp(`^/(?:@|%40)(?<user>[\\w.-]{0,64})/(?:video|photo)/${ID}/?$`),
  new RegExp(`^/(?:share/)?(?:video|photo)/${ID}/?$`),
  new RegExp(`^/v/${ID}(?:\\.html)?/?$`),
  new RegExp(`^/embed/(?:v2/)?${ID}/?$`),
];
const TIKTOK_SHORT = /^\/t\/(?<code>[\w-]{1,64})\/?$/;
const SHARE_PATHS = [new RegExp(`^/share/(?:video|note|slides)/${ID}/?$`)];
const DOUYIN_PATHS = [new RegExp(`^/(?:share/)?(?:video|note)/${ID}/?$`)];

const HOSTS: Readonly<Record<string, (path: string) => PostLink | null>> = {
  'tiktok.com': tiktok,
  'www.tiktok.com': tiktok,
  'm.tiktok.com': tiktok,
  'vm.tiktok.com': (path) => short('tiktok', CODE.exec(path), (code) => `https://vm.tiktok.com/${code}/`),
  'vt.tiktok.com': (path) => short('tiktok', CODE.exec(path), (code) => `https://vt.tiktok.com/${code}/`),
  'tiktokv.com': (path) => post('tiktok', SHARE_PATHS, path),
  'www.tiktokv.com': (path) => post('tiktok', SHARE_PATHS, path),
  'douyin.com': (path) => post('douyin', DOUYIN_PATHS, path),
  'www.douyin.com': (path) => post('douyin', DOUYIN_PATHS, path),
  'v.douyin.com': (path) => short('douyin', CODE.exec(path), (code) => `https://v.douyin.com/${code}/`),
  'iesdouyin.com': (path) => post('douyin', SHARE_PATHS, path),
  'www.iesdouyin.com': (path) => post('douyin', SHARE_PATHS, path),
};

/**
 * The first link to a post in a text, as a person pastes it: the link alone, or a share sheet's words around it.
 * @throws ServiceError `unsupported_url` when there is none
 */
export function findPostLink(text: string): PostLink {
  for (const [candidate] of text.matchAll(URL_IN_TEXT)) {
    const link = parsePostUrl(candidate) ?? parsePostUrl(candidate.replace(TRAILING_PUNCTUATION, ''));
    if (link) return link;
  }
  throw new ServiceError('unsupported_url');
}

/** A post's link in any form of CONTRACT §1; null for everything else. */
export function parsePostUrl(text: string): PostLink | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const plain = url.username === '' && url.password === '' && url.port === '';
  if (!plain || (url.protocol !== 'https:' && url.protocol !== 'http:')) return null;
  const read = Object.hasOwn(HOSTS, url.hostname) ? HOSTS[url.hostname] : undefined;
  return read?.(url.pathname) ?? null;
}

/** The address that a post is asked at. TikTok answers photo posts under /video/ too, and without the name. */
export function canonicalUrl(ref: PostRef, kind: 'video' | 'photo' = 'video'): string {
  if (ref.platform === 'douyin')
    return `https://www.douyin.com/${kind === 'photo' ? 'note' : 'video'}/${ref.id}`;
  return `https://www.tiktok.com/@${ref.user || '_'}/${kind}/${ref.id}`;
}

/** One key for one post, whatever link led to it. */
export function postKey(ref: PostRef): string {
  return `${ref.platform}:${ref.id}`;
}

function tiktok(path: string): PostLink | null {
  const code = short('tiktok', TIKTOK_SHORT.exec(path), (value) => `https://www.tiktok.com/t/${value}/`);
  return code ?? post('tiktok', TIKTOK_PATHS, path);
}

function post(platform: Platform, patterns: readonly RegExp[], path: string): PostLink | null {
  for (const pattern of patterns) {
    const groups = pattern.exec(path)?.groups;
    if (groups?.id) {
      return { kind: 'post', ref: { platform, id: groups.id, ...(groups.user && { user: groups.user }) } };
    }
  }
  return null;
}

function short(
  platform: Platform,
  match: RegExpExecArray | null,
  url: (code: string) => string,
): PostLink | null {
  const code = match?.groups?.code;
  return code ? { kind: 'short', platform, url: url(code) } : null;
}

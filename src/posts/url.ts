import { ServiceError } from '../errors.ts';
import type { Platform, PostRef } from './post.ts';
import { explainUnsupported } from './unsupported-url.ts';

/** What a link can name: a post, or a short code that only TikTok or Douyin can resolve. */
export type PostLink =
  | {
      kind: 'post';
      ref: PostRef;
      /** The link says that the post has photos. */
      isPhoto?: true;
    }
  | { kind: 'short'; platform: Platform; url: string };

/** Characters that may stand in a URL (RFC 3986); anything else, such as Chinese text, ends it. */
const URL_CHARACTERS = String.raw`[\w\-.~:/?#[\]@!$&'()*+,;=%]`;
const OWN_HOST = String.raw`(?:[a-z]{1,9}\.)?(?:tiktok|tiktokv|douyin|iesdouyin)\.com(?=[/?])`;
/**
 * A link with its scheme, or one of the own hosts without. What stands before a host without a scheme must not make it
 * part of another address.
 */
const LINK_IN_TEXT = new RegExp(
  String.raw`https?://${URL_CHARACTERS}+|(?<![\w\-.~:/?#@&=%\\])${OWN_HOST}${URL_CHARACTERS}+`,
  'gi',
);
const TRAILING_PUNCTUATION = /[)\].,;:!?'*]+$/;
/** An id with text glued behind it: post ids have 15 digits or more. */
const UP_TO_ID = /^.*?[/=]\d{15,20}(?![\d/])/;

const ID = '(?<id>[1-9]\\d{0,24})';
const CODE = /^\/(?<code>[\w-]{1,64})\/?$/;

const TIKTOK_PATHS = [
  // Messengers and mail programs write the @ as %40.
  new RegExp(`^/(?:@|%40)(?<user>[\\w.-]{0,64})/(?:video|photo)/${ID}/?$`),
  new RegExp(`^/(?:share/)?(?:video|photo)/${ID}/?$`),
  new RegExp(`^/v/${ID}(?:\\.html)?/?$`),
  new RegExp(`^/embed/(?:v2/)?${ID}/?$`),
  new RegExp(`^/player/v1/${ID}/?$`),
];
const TIKTOK_SHORT = /^\/t\/(?<code>[\w-]{1,64})\/?$/;
const TIKTOK_I18N_PATHS = [new RegExp(`^/i18n/share/video/${ID}/?$`)];
const TIKTOKV_PATHS = [new RegExp(`^/share/(?:video|photo)/${ID}/?$`)];
const DOUYIN_PATHS = [new RegExp(`^/(?:share/)?(?:video|note|slides)/${ID}/?$`)];
const DOUYIN_SHARE_PATHS = [new RegExp(`^/share/(?:video|note|slides)/${ID}/?$`)];
const JINGXUAN_PATHS = [new RegExp(`^/m/video/${ID}/?$`)];

type ReadUrl = (url: URL) => PostLink | null;

const tiktok: ReadUrl = (url) => shortAt(TIKTOK_SHORT, 't/')(url) ?? postAt('tiktok', TIKTOK_PATHS)(url);
const douyin: ReadUrl = (url) => postAt('douyin', DOUYIN_PATHS)(url) ?? postOfModalId(url);

const HOSTS: Readonly<Record<string, ReadUrl>> = {
  'tiktok.com': tiktok,
  'www.tiktok.com': tiktok,
  'm.tiktok.com': tiktok,
  'lite.tiktok.com': shortAt(TIKTOK_SHORT, 't/'),
  't.tiktok.com': postAt('tiktok', TIKTOK_I18N_PATHS),
  'vm.tiktok.com': shortAt(CODE),
  'vt.tiktok.com': shortAt(CODE),
  'tiktokv.com': postAt('tiktok', TIKTOKV_PATHS),
  'www.tiktokv.com': postAt('tiktok', TIKTOKV_PATHS),
  'douyin.com': douyin,
  'www.douyin.com': douyin,
  'm.douyin.com': (url) => postAt('douyin', DOUYIN_SHARE_PATHS)(url) ?? postOfModalId(url),
  'jingxuan.douyin.com': (url) => postAt('douyin', JINGXUAN_PATHS)(url) ?? postOfModalId(url),
  'v.douyin.com': shortAt(CODE),
  'iesdouyin.com': postAt('douyin', DOUYIN_SHARE_PATHS),
  'www.iesdouyin.com': postAt('douyin', DOUYIN_SHARE_PATHS),
};

/**
 * The first link to a post in a text, as a person pastes it: the link alone, with or without its scheme, or the words
 * of a share sheet around it.
 * @throws ServiceError `unsupported_url` when there is none; its message says what a link of TikTok or Douyin is instead
 */
export function findPostLink(text: string): PostLink {
  const links = [...text.matchAll(LINK_IN_TEXT)].map(([link]) =>
    /^https?:/i.test(link) ? link : `https://${link}`,
  );
  for (const link of links) {
    const found = readings(link).map(parsePostUrl).find(Boolean);
    if (found) return found;
  }
  const message = links.map(explainUnsupported).find((sentence) => sentence !== null);
  throw new ServiceError('unsupported_url', message ? { message } : {});
}

/** A link as it stands, without punctuation at its end, and without text behind its id. */
function readings(link: string): string[] {
  const upToId = UP_TO_ID.exec(link)?.[0];
  return [link, link.replace(TRAILING_PUNCTUATION, ''), ...(upToId ? [upToId] : [])];
}

/** The post or short code of a link with its scheme; null for any other link. */
export function parsePostUrl(text: string): PostLink | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const plain = url.username === '' && url.password === '' && url.port === '';
  if (!plain || (url.protocol !== 'https:' && url.protocol !== 'http:')) return null;
  const read = Object.hasOwn(HOSTS, url.hostname) ? HOSTS[url.hostname] : undefined;
  return read?.(url) ?? null;
}

/** The address of a post; TikTok answers photo posts under /video/ too, and any post without the name. */
export function canonicalUrl(ref: PostRef, kind: 'video' | 'photo' = 'video'): string {
  if (ref.platform === 'douyin')
    return `https://www.douyin.com/${kind === 'photo' ? 'note' : 'video'}/${ref.id}`;
  return `https://www.tiktok.com/@${ref.user || '_'}/${kind}/${ref.id}`;
}

/** One key for one post, whatever link led to it. */
export function postKey(ref: PostRef): string {
  return `${ref.platform}:${ref.id}`;
}

function postAt(platform: Platform, patterns: readonly RegExp[]): ReadUrl {
  return ({ pathname }) => {
    for (const pattern of patterns) {
      const groups = pattern.exec(pathname)?.groups;
      if (groups?.id) {
        const ref = { platform, id: groups.id, ...(groups.user && { user: groups.user }) };
        return { kind: 'post', ref, ...(pathname.includes('/photo/') && { isPhoto: true }) };
      }
    }
    return null;
  };
}

/** Douyin's desktop pages show a post in a window over any page, and keep its id in the query. */
function postOfModalId({ searchParams }: URL): PostLink | null {
  const id = searchParams.get('modal_id') ?? '';
  return /^\d{1,25}$/.test(id) ? { kind: 'post', ref: { platform: 'douyin', id } } : null;
}

function shortAt(pattern: RegExp, folder = ''): ReadUrl {
  return ({ hostname, pathname }) => {
    const code = pattern.exec(pathname)?.groups?.code;
    if (!code) return null;
    const host = hostname.replace(/^(?:m\.)?tiktok\.com$/, 'www.tiktok.com');
    const platform = host.endsWith('douyin.com') ? 'douyin' : 'tiktok';
    return { kind: 'short', platform, url: `https://${host}/${folder}${code}/` };
  };
}

/**
 * Domains whose hosts serve TikTok's and Douyin's media, each with what was seen there; subdomains count. ByteDance's
 * hosts for scripts (ttwstatic.com), telemetry (tiktokw.us, mcs) and logs serve no media.
 */
const MEDIA_DOMAINS: readonly string[] = [
  // TikTok
  'tiktok.com', // v16-webapp-prime, v19-webapp: video; www: /aweme/v1/play/
  'tiktokv.com', // vas-*: subtitles; api*: /aweme/v1/play/
  'tiktokv.us', // the same, accounts of the United States
  'tiktokv.eu', // the same, accounts of Europe
  'tiktokcdn.com', // v16m, v77: video and sound; p16-sign-*: photos, covers; sf16-ies-music-*: sound
  'tiktokcdn-us.com',
  'tiktokcdn-eu.com',
  'tiktokcdn-in.com', // posts of the Indian region before 2020
  'muscdn.com', // covers and sounds from musical.ly's time
  'ibyteimg.com', // image CDN outside China: avatars, covers, photos
  'ibytedtos.com', // object storage outside China: sf-*: sound
  'byteoversea.com', // play addresses of older posts
  // Douyin
  'douyin.com', // www: /aweme/v1/play/
  'iesdouyin.com', // /aweme/v1/play/ of shared pages
  'amemv.com', // api-play-hl: /aweme/v1/play/
  'snssdk.com', // aweme.snssdk.com: /aweme/v1/play/
  'douyinvod.com', // v3-search, v26-web: video
  'idouyinvod.com', // v*: video outside China, known to public clients
  '365yg.com', // v*: video, ByteDance's Xigua CDN, known to public clients
  'zjcdn.com', // v5-dy-o-abtest: ByteDance's second video CDN
  'douyincdn.com', // v*: video of older posts
  'douyinpic.com', // p3-sign: photos, covers, avatars
  'douyinstatic.com', // lf26-music-east, sf5-hl-cdn-tos: sound
  'byteimg.com', // image CDN in China
  'pstatp.com', // covers and sounds of older posts
];

/** ByteDance's hosts under Akamai's domain, which all its customers share. */
const MEDIA_HOSTS: ReadonlySet<string> = new Set([
  'p16-sg-default.akamaized.net', // covers of sounds
  'p16-va-default.akamaized.net',
  'p16-tiktokcdn-com.akamaized.net',
  'v16-tiktokcdn-com.akamaized.net',
  'v16m-default.akamaized.net', // video
]);

/**
 * Whether a parsed, lower-case host name belongs to TikTok's or Douyin's media servers. Only letters, digits, hyphens
 * and dots pass: no trailing dot, no address, no Unicode.
 */
export function isMediaHost(host: string): boolean {
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(host) || host.length > 253) return false;
  return (
    MEDIA_HOSTS.has(host) || MEDIA_DOMAINS.some((domain) => host === domain || host.endsWith(`.${domain}`))
  );
}

/** Hosts of videos and photos of most posts: what their names lead to shows what the network does with names. */
export const USUAL_HOSTS: readonly string[] = [
  'v16-webapp-prime.tiktok.com',
  'p16-sign-va.tiktokcdn.com',
  'v3-search.douyinvod.com',
];

/** Whether cookies of tiktok.com may be sent to this host. */
export function isTikTokSite(host: string): boolean {
  return host === 'tiktok.com' || host.endsWith('.tiktok.com');
}

/**
 * Parses a link that may be requested: https, port 443, a media host. The authority must be spelt exactly as the parsed
 * host, so that every parser reads the same host; that excludes user names, backslashes, tabs, fullwidth letters and
 * percent signs.
 * @returns null for any other link
 */
export function mediaUrl(link: string): URL | null {
  if (!URL.canParse(link)) return null;
  const url = new URL(link);
  if (url.protocol !== 'https:' || url.port !== '' || url.username !== '' || url.password !== '') return null;
  const authority = /^https:\/\/([^/?#]*)/i.exec(link)?.[1]?.toLowerCase().replace(/:443$/, '');
  return authority === url.hostname && isMediaHost(url.hostname) ? url : null;
}

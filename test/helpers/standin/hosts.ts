/** The domains that the stand-in plays; each with all names one label below it. */
const DOMAINS = [
  'tiktok.com',
  'us.tiktok.com',
  'eu.tiktok.com',
  'tiktokv.com',
  'tiktokv.us',
  'tiktokv.eu',
  'tiktokcdn.com',
  'tiktokcdn-us.com',
  'tiktokcdn-eu.com',
  'muscdn.com',
  'ttwstatic.com',
  'neutral.ttwstatic.com',
  'ibytedtos.com',
  'byteoversea.com',
  'douyin.com',
  'iesdouyin.com',
  'douyinpic.com',
  'douyinvod.com',
  'douyinstatic.com',
  'douyincdn.com',
  'zjcdn.com',
  'amemv.com',
  'snssdk.com',
  'bytedance.com',
  'idouyinvod.com',
  '365yg.com',
] as const;

/** Subject alternative names for the leaf certificate. */
export const CERTIFICATE_HOSTS: readonly string[] = DOMAINS.flatMap((domain) => [domain, `*.${domain}`]);

const known = new Set<string>(DOMAINS);

/** Whether the certificate covers the host: the domain itself or one label below it. */
export function isPlayedHost(host: string): boolean {
  return known.has(host) || known.has(host.slice(host.indexOf('.') + 1));
}

const SHORT = ['vm.tiktok.com', 'vt.tiktok.com', 'lite.tiktok.com', 'v.douyin.com'];
const SITE =
  /^(?:(?:www|m|t|shop)\.)?tiktok\.com$|^(?:www|m)\.tiktokv\.com$|^api16-normal-[\w-]+\.tiktokv\.(?:com|us|eu)$/;
const DOUYIN =
  /^(?:(?:www|m|jingxuan)\.)?douyin\.com$|^(?:(?:www|m)\.)?iesdouyin\.com$|^ttwid\.bytedance\.com$|^(?:[\w-]+\.)?amemv\.com$|^aweme\.snssdk\.com$/;

/** What kind of server stands behind a played host. */
export function roleOf(host: string): 'short' | 'site' | 'douyin' | 'cdn' {
  if (SHORT.includes(host)) return 'short';
  if (SITE.test(host)) return 'site';
  return DOUYIN.test(host) ? 'douyin' : 'cdn';
}

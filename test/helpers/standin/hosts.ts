/** The domains that the stand-in plays; each with all names one label below it. */
const DOMAINS = [
  'tiktok.com',
  'us.tiktok.com',
  'eu.tiktok.com',
  'tiktokv.com',
  'tiktokv.us',
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
] as const;

/** Subject alternative names for the leaf certificate. */
export const CERTIFICATE_HOSTS: readonly string[] = DOMAINS.flatMap((domain) => [domain, `*.${domain}`]);

const known = new Set<string>(DOMAINS);

/** Whether the certificate covers the host: the domain itself or one label below it. */
export function isPlayedHost(host: string): boolean {
  return known.has(host) || known.has(host.slice(host.indexOf('.') + 1));
}

const DOUYIN = ['douyin.com', 'iesdouyin.com', 'amemv.com'];

/** What kind of server stands behind a played host. */
export function roleOf(host: string): 'short' | 'site' | 'douyin' | 'cdn' {
  if (host === 'vm.tiktok.com' || host === 'vt.tiktok.com' || host === 'v.douyin.com') return 'short';
  if (DOUYIN.some((domain) => host === domain || host === `www.${domain}` || host === `m.${domain}`)) {
    return 'douyin';
  }
  const site = ['tiktok.com', 'www.tiktok.com', 'm.tiktok.com', 'www.tiktokv.com', 'm.tiktokv.com'];
  return site.includes(host) ? 'site' : 'cdn';
}

import type { RedisStatus } from '../cache/index.ts';
import type { ErrorCode } from '../errors.ts';
import type { CanaryStatus } from './canary.ts';
import type { Summary } from './extraction-stats.ts';
import type { LocalCheckResults } from './local-checks.ts';

/** Share of successes below which the service counts as failing, given at least MIN_ATTEMPTS. */
const MIN_SUCCESS_RATE = 0.5;
const MIN_ATTEMPTS = 4;

/** A slideshow needs some 10 MB while it is rendered, the video of an MP3 some 100 MB, and several run at a time. */
const MIN_FREE_BYTES = 512 * 1024 * 1024;

/** Codes that concern the canary's post itself. */
const POST_CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'post_not_found',
  'post_private',
  'login_required',
  'region_blocked',
]);

/** Why extractions fail and what to do; null while they do not. */
export function extractionReason({ attempts, failed, worst }: Summary, ytdlp: string): string | null {
  if (!worst || attempts < MIN_ATTEMPTS || 1 - failed / attempts >= MIN_SUCCESS_RATE) return null;
  const share = `${worst.count} of the last ${attempts} extractions failed with ${worst.code}`;
  switch (worst.code) {
    case 'extractor_outdated':
      return `yt-dlp ${ytdlp} cannot read TikTok's pages: ${share}. Run \`npm run engine:update\``;
    case 'ip_blocked':
      return `TikTok blocks this server's address: ${share}. Add proxies (PROXY_URLS), a VPN (GLUETUN_URL) or cookies`;
    case 'timeout':
      return `TikTok does not answer in time: ${share}. Check the network, the proxies and YTDLP_TIMEOUT`;
    case 'upstream_failed':
      return `TikTok is unreachable or failing: ${share}. Check the network and the proxies with \`npm run doctor\``;
    default:
      return `the service itself fails: ${share}. See the log; after an engine update run \`npm run engine:rollback\``;
  }
}

/** The canary is the only extraction of a post that is known to exist. */
export function canaryReason({ last, failures_in_a_row: failures }: CanaryStatus): string | null {
  if (!last || failures < 2) return null;
  const failed = `failed with ${last.code}, ${failures} times in a row`;
  return POST_CODES.has(last.code)
    ? `the canary's post ${failed}: if the post is gone, set another CANARY_URL`
    : `the canary's post ${failed}`;
}

export function diskReason({ disk }: LocalCheckResults): string | null {
  if (!disk || disk.free_bytes >= MIN_FREE_BYTES) return null;
  const free = Math.floor(disk.free_bytes / 1024 / 1024);
  return `only ${free} MB free on the disk of TEMP_DIR: slideshows and MP3s may fail`;
}

export function redisReason({ state, problem }: RedisStatus): string | null {
  if (state === 'up') return null;
  const what = state === 'down' ? 'Redis is unavailable' : 'Redis refuses commands';
  return `${what}: ${problem}. Cache and rate limits are not shared meanwhile`;
}

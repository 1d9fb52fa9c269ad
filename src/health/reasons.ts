import type { RedisStatus } from '../cache/index.ts';
import type { ErrorCode } from '../errors.ts';
import type { CanaryStatus } from './canary.ts';
import type { Summary } from './extraction-stats.ts';
import type { LocalCheckResults } from './local-checks.ts';

/** Below this share of successes, over at least so many attempts, something is wrong with more than single posts. */
const POOR_RATE = 0.5;
const ENOUGH_ATTEMPTS = 4;

/** A slideshow's work folder has some ten megabytes, the video of an MP3 a hundred; several are made at a time. */
const LITTLE_DISK_BYTES = 512 * 1024 * 1024;

/** About the canary's post, or what TikTok pretends about it. */
const THE_POST_ITSELF: ReadonlySet<string> = new Set<ErrorCode>([
  'post_not_found',
  'post_private',
  'login_required',
  'region_blocked',
]);

/** Why extractions fail, and what to do: null while they do not. */
export function extractionReason({ attempts, failed, worst }: Summary, ytdlp: string): string | null {
  if (!worst || attempts < ENOUGH_ATTEMPTS || 1 - failed / attempts >= POOR_RATE) return null;
  const share = `${worst.count} of the last ${attempts} extractions ended with ${worst.code}`;
  switch (worst.code) {
    case 'extractor_outdated':
      return `TikTok's pages cannot be read by yt-dlp ${ytdlp}: ${share}. Try \`npm run engine:update\``;
    case 'ip_blocked':
      return `TikTok refuses this server's address: ${share}. Other ways out (PROXY_URLS, GLUETUN_URL) or cookies help`;
    case 'timeout':
      return `TikTok does not answer in time: ${share}. See whether the network, the proxies or YTDLP_TIMEOUT are to blame`;
    case 'upstream_failed':
      return `TikTok, or the way to it, fails: ${share}. See whether the network and the proxies work: \`npm run doctor\``;
    default:
      return `The service itself fails: ${share}. See the log, and \`npm run engine:rollback\` where the engine is new`;
  }
}

/** What the canary knows that the extractions' outcomes do not show: it is the only one that asks for a known post. */
export function canaryReason({ last, failures_in_a_row: failures }: CanaryStatus): string | null {
  if (!last || failures < 2) return null;
  const ended = `ended with ${last.code}, ${failures} times in a row`;
  return THE_POST_ITSELF.has(last.code)
    ? `The canary's post ${ended}: if it really is gone, set another CANARY_URL`
    : `The canary's post ${ended}`;
}

export function diskReason({ disk }: LocalCheckResults): string | null {
  if (!disk || disk.free_bytes >= LITTLE_DISK_BYTES) return null;
  const free = Math.floor(disk.free_bytes / 1024 / 1024);
  return `The disk of TEMP_DIR has only ${free} MB left: slideshows and MP3s may fail`;
}

export function redisReason({ state, problem }: RedisStatus): string | null {
  if (state === 'up') return null;
  const what = state === 'down' ? 'Redis cannot be used' : 'Redis refuses commands';
  return `${what}: ${problem}. Meanwhile cache and limits are not shared`;
}

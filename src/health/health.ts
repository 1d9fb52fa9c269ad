import type { Posts, SharedMemory } from '../cache/index.ts';
import type { Egresses } from '../egress/index.ts';
import type { ExtractorStatus } from '../extraction/index.ts';
import type { Outcomes } from './outcomes.ts';

export interface HealthSources {
  version: string;
  extractor: { readonly status: ExtractorStatus };
  outcomes: Outcomes;
  egresses: Pick<Egresses, 'status' | 'open'>;
  posts: Pick<Posts, 'status'>;
  /** Null where no Redis is configured. */
  shared: Pick<SharedMemory, 'status'> | null;
  ffmpeg: string | null;
}

/** Below this share of successes, over at least so many attempts, something is wrong with more than single posts. */
const POOR_RATE = 0.5;
const ENOUGH_ATTEMPTS = 4;

/** What an operator sees at a glance (CONTRACT §5). Built from what is known already: no outward call. */
export class Health {
  readonly #sources: HealthSources;
  readonly #started = process.hrtime.bigint();
  draining = false;

  constructor(sources: HealthSources) {
    this.#sources = sources;
  }

  report() {
    const { version, extractor, outcomes, egresses, posts, shared, ffmpeg } = this.#sources;
    const { workers, host, hostRestarts, childRestarts } = extractor.status;
    const recent = outcomes.recent();
    const reasons = this.#reasons(recent);
    return {
      status: this.#status(reasons),
      reasons,
      time: Date.now() / 1000,
      uptime: Number(process.hrtime.bigint() - this.#started) / 1e9,
      version,
      ytdlp: host?.ytdlp ?? null,
      workers,
      engine: {
        running: host !== null,
        python: host?.python ?? null,
        curl_cffi: host?.curlCffi ?? null,
        impersonation: host?.impersonation ?? false,
        host_restarts: hostRestarts,
        child_restarts: childRestarts,
      },
      extraction: {
        success_rate: recent.successRate,
        succeeded: recent.succeeded,
        failed: recent.failed,
        window_seconds: recent.windowSeconds,
        last_success: outcomes.lastSuccess === null ? null : outcomes.lastSuccess / 1000,
        last_failure: outcomes.lastFailure && {
          at: outcomes.lastFailure.at / 1000,
          code: outcomes.lastFailure.code,
        },
      },
      egress: egresses.status,
      cache: posts.status,
      redis: redisReport(shared),
      ffmpeg: ffmpeg !== null,
    };
  }

  #status(reasons: string[]): 'ok' | 'degraded' | 'down' | 'draining' {
    if (this.draining) return 'draining';
    if (!this.#sources.extractor.status.host) return 'down';
    return reasons.length > 0 ? 'degraded' : 'ok';
  }

  #reasons({ succeeded, failed, successRate }: ReturnType<Outcomes['recent']>): string[] {
    const { extractor, outcomes, egresses, shared, ffmpeg } = this.#sources;
    const { host } = extractor.status;
    const reasons: string[] = [];
    if (this.draining) reasons.push('the service is shutting down');
    if (!host) reasons.push('the yt-dlp host is not running');
    if (host && !host.impersonation) reasons.push('yt-dlp cannot look like a browser: curl_cffi is missing');
    if (!egresses.open) reasons.push('every way out is refused, or nothing gets through it');
    if (shared?.status.state === 'down')
      reasons.push('Redis is gone: cache and limits are this instance’s own');
    if (!ffmpeg) reasons.push('ffmpeg is missing: no slideshows, no conversion to MP3');
    if (successRate !== null && successRate < POOR_RATE && succeeded + failed >= ENOUGH_ATTEMPTS) {
      const share = `${failed} of the last ${succeeded + failed} extractions failed`;
      reasons.push(`${share}, most recently with ${outcomes.lastFailure?.code}`);
    }
    return reasons;
  }
}

function redisReport(shared: HealthSources['shared']) {
  if (!shared) return null;
  const { since, ...status } = shared.status;
  return { ...status, since: since / 1000 };
}

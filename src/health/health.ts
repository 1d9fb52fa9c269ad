import type { Posts, RedisStore } from '../cache/index.ts';
import type { MediaClient } from '../cdn/index.ts';
import type { EgressPool, VpnWatch } from '../egress/index.ts';
import type { EngineStatus } from '../engine/index.ts';
import type { ExtractorStatus } from '../extraction/index.ts';
import type { Canary } from './canary.ts';
import type { ExtractionStats } from './extraction-stats.ts';
import { fileReasons, networkReason } from './file-reasons.ts';
import type { FileStats } from './file-stats.ts';
import type { LocalChecks } from './local-checks.ts';
import { canaryReason, diskReason, extractionReason, redisReason } from './reasons.ts';
import { sourceReasons } from './source-reasons.ts';

export interface HealthSources {
  version: string;
  extractor: { readonly status: ExtractorStatus };
  stats: ExtractionStats;
  egresses: Pick<EgressPool, 'status' | 'open' | 'labelOf'>;
  media: Pick<MediaClient, 'network'>;
  files: FileStats;
  /** Null without GLUETUN_URL. */
  vpn: Pick<VpnWatch, 'problem' | 'isNetworkGone'> | null;
  posts: Pick<Posts, 'status'>;
  /** Null without REDIS_URL. */
  shared: Pick<RedisStore, 'status'> | null;
  ffmpeg: string | null;
  /** The operator's files that are read again when they change. */
  watched: readonly { readonly name: string; readonly problem: string | null }[];
  /** Updates and changes of the engine. */
  engines: { readonly status: EngineStatus };
  /** Null without CANARY_URL. */
  canary: Pick<Canary, 'status'> | null;
  localChecks: Pick<LocalChecks, 'facts'>;
}

/** The report of /health, built from state in memory: no request goes out for it. */
export class Health {
  readonly #sources: HealthSources;
  readonly #started = process.hrtime.bigint();
  /** Whether the service is shutting down. */
  draining = false;

  constructor(sources: HealthSources) {
    this.#sources = sources;
  }

  report() {
    const { version, extractor, stats, egresses, posts, shared, ffmpeg } = this.#sources;
    const { engines, canary, localChecks, files, media } = this.#sources;
    const { workers, host, hostRestarts, childRestarts, trial } = extractor.status;
    const recent = stats.recent();
    const reasons = this.#reasons();
    const { disk, cookies } = localChecks.facts;
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
        age_days: host ? ageOf(host.ytdlp) : null,
        ...engines.status,
        trial,
      },
      extraction: {
        success_rate: recent.successRate,
        succeeded: recent.succeeded,
        failed: recent.failed,
        failures: stats.failures(),
        window_seconds: recent.windowSeconds,
        last_success: stats.lastSuccess === null ? null : stats.lastSuccess / 1000,
        last_failure: stats.lastFailure && {
          at: stats.lastFailure.at / 1000,
          code: stats.lastFailure.code,
        },
        last_failures: Object.fromEntries([...stats.lastFailures].map(([code, at]) => [code, at / 1000])),
      },
      egress: egresses.status,
      files: files.summaries().map(({ egress, lastSuccess, ...rest }) => ({
        egress: egresses.labelOf(egress),
        ...rest,
        last_success: lastSuccess === null ? null : lastSuccess / 1000,
      })),
      network: media.network,
      sources: extractor.status.sources,
      cache: posts.status,
      redis: redisReport(shared),
      ffmpeg: ffmpeg !== null,
      disk,
      cookies: cookies && {
        ...cookies,
        age_days:
          cookies.changed === null ? null : Math.floor((Date.now() / 1000 - cookies.changed) / 86_400),
      },
      canary: canary?.status ?? null,
    };
  }

  #status(reasons: string[]): 'ok' | 'degraded' | 'down' | 'draining' {
    if (this.draining) return 'draining';
    const { extractor, vpn } = this.#sources;
    if (!extractor.status.host || vpn?.isNetworkGone) return 'down';
    return reasons.length > 0 ? 'degraded' : 'ok';
  }

  #reasons(): string[] {
    const { extractor, stats, egresses, vpn, shared, ffmpeg, watched, engines, canary, localChecks } =
      this.#sources;
    const { files, media } = this.#sources;
    const { host } = extractor.status;
    const reasons: string[] = [];
    const { cookies } = localChecks.facts;
    if (this.draining) reasons.push('the service is shutting down');
    if (!host) reasons.push('the yt-dlp host is not running');
    if (host && !host.impersonation)
      reasons.push('browser impersonation is unavailable: curl_cffi is not installed');
    if (!egresses.open) reasons.push('all egresses are blocked or unreachable');
    if (!ffmpeg) reasons.push('ffmpeg is not installed: no slideshows, no conversion to MP3');
    if (cookies?.problem) reasons.push(`the cookies file is unusable: ${cookies.problem}`);
    for (const { name, problem } of watched) {
      if (problem !== null)
        reasons.push(`the ${name} is unusable, the last good one is in force: ${problem}`);
    }
    const failing = extractionReason(stats.summary(), host?.ytdlp ?? '(not running)');
    const found = [
      failing,
      networkReason(media.network),
      ...fileReasons(files.summaries(), (id) => egresses.labelOf(id), failing === null),
      canary && canaryReason(canary.status),
      shared && redisReason(shared.status),
      diskReason(localChecks.facts),
      engines.status.problem,
      vpn?.problem ?? null,
    ];
    reasons.push(...found.filter((reason) => reason !== null), ...sourceReasons(extractor.status.sources));
    return reasons;
  }
}

function redisReport(shared: HealthSources['shared']) {
  if (!shared) return null;
  const { since, ...status } = shared.status;
  return { ...status, since: since / 1000 };
}

/** Days since the release of a version, which is its date; null for any other version. */
function ageOf(version: string): number | null {
  const [year, month, day] = version.split('.').map(Number);
  const released = Date.UTC(year ?? 0, (month ?? 1) - 1, day);
  return Number.isNaN(released) ? null : Math.max(0, Math.floor((Date.now() - released) / 86_400_000));
}

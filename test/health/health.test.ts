import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Posts, type RedisStatus } from '../../src/cache/index.ts';
import { EgressPool } from '../../src/egress/index.ts';
import type { ErrorCode } from '../../src/errors.ts';
import type { CookiesStatus } from '../../src/health/cookies-file.ts';
import { type CanaryStatus, ExtractionStats, Health } from '../../src/health/index.ts';
import { Secret } from '../../src/secret.ts';

const HOST = {
  protocol: 1,
  pid: 1,
  host: 1,
  ytdlp: '2026.10.26',
  python: '3.11.2',
  curlCffi: '0.14.0',
  impersonation: true,
  targets: [],
};
const REDIS = { since: 0, unanswered: 0, skipped: 0, refused: 0, garbage: 0, outages: 0 };
const WORKERS = { max: 20, active: 3, idle: 17, queued: 0 };

interface Given {
  host?: typeof HOST | null;
  ffmpeg?: string | null;
  ended?: [number, number];
  code?: ErrorCode;
  canary?: CanaryStatus;
  freeBytes?: number;
  engineProblem?: string;
  redis?: Pick<RedisStatus, 'state' | 'problem'>;
  egressesOpen?: boolean;
  vpn?: { problem: string | null; isNetworkGone: boolean };
  cookies?: CookiesStatus;
}

function health(given: Given = {}) {
  const {
    host = HOST,
    ffmpeg = 'ffmpeg',
    ended = [0, 0],
    code = 'ip_blocked',
    canary,
    freeBytes = 1e10,
  } = given;
  const stats = new ExtractionStats();
  for (let i = 0; i < ended[0]; i += 1) stats.succeeded();
  for (let i = 0; i < ended[1]; i += 1) stats.failed(code);
  const { status, open } = new EgressPool({
    proxies: [new Secret('http://user:pw4711@proxy:3128')],
    vpn: null,
    log: pino({ level: 'silent' }),
  });
  return new Health({
    version: '1.0.0',
    extractor: {
      status: {
        workers: WORKERS,
        host,
        hostRestarts: 0,
        childRestarts: 0,
        threads: 1,
        queueLimit: 2000,
        engine: null,
        trial: null,
        sources: [],
      },
    },
    stats,
    watched: [],
    egresses: { status, open: given.egressesOpen ?? open },
    vpn: given.vpn ?? null,
    posts: {
      status: new Posts({ source: { extract: () => Promise.reject() }, ttlMs: 0, shared: null }).status,
    },
    shared: given.redis ? { status: { ...REDIS, ...given.redis } } : null,
    ffmpeg,
    engines: {
      status: { newest_known: null, newest_seen: null, rejected: [], problem: given.engineProblem ?? null },
    },
    canary: canary ? { status: canary } : null,
    localChecks: {
      facts: { disk: { free_bytes: freeBytes, size_bytes: 1e11 }, cookies: given.cookies ?? null },
    },
  });
}

describe('Health.report', () => {
  it('has the fields of the contract', () => {
    expect(health().report()).toMatchObject({
      status: 'ok',
      time: expect.any(Number),
      uptime: expect.any(Number),
      version: '1.0.0',
      ytdlp: '2026.10.26',
      workers: WORKERS,
    });
  });

  it('has the times of the last success and of the last failure by code', () => {
    const { extraction } = health({ ended: [1, 2], code: 'timeout' }).report();
    const now = expect.closeTo(Date.now() / 1000, -2);
    expect(extraction).toMatchObject({
      last_success: now,
      last_failure: { at: now, code: 'timeout' },
      last_failures: { timeout: now },
      failures: { timeout: 2 },
      success_rate: 0.333,
    });
    expect(health().report().extraction).toMatchObject({ last_success: null, last_failures: {} });
  });

  it('has a reason when all egresses are blocked', () => {
    const report = health({ egressesOpen: false }).report();
    expect(report.reasons).toEqual(['all egresses are blocked or unreachable']);
  });

  it('names the package that impersonation needs', () => {
    const { reasons } = health({ host: { ...HOST, impersonation: false } }).report();
    expect(reasons).toEqual(['browser impersonation is unavailable: curl_cffi is not installed']);
  });

  it('counts the cookies, and has a reason when the file is unreadable', () => {
    const problem = 'must be Netscape formatted, not JSON';
    const report = health({ cookies: { changed: 1, count: 0, problem } }).report();
    expect(report.cookies).toMatchObject({ count: 0, problem, changed: 1 });
    expect(report.reasons).toEqual([`the cookies file is unusable: ${problem}`]);
    expect(health({ cookies: { changed: 1, count: 9, problem: null } }).report()).toMatchObject({
      status: 'ok',
      cookies: { count: 9, problem: null },
    });
  });

  it('contains no password of a proxy', () => {
    expect(JSON.stringify(health().report())).not.toMatch(/pw4711|user/);
  });

  it('has the time in Unix seconds', () => {
    expect(Math.abs(health().report().time - Date.now() / 1000)).toBeLessThan(60);
  });

  it.each<[string, Parameters<typeof health>[0], string]>([
    ['nothing is wrong', {}, 'ok'],
    ['the host is not running', { host: null }, 'down'],
    ['impersonation is unavailable', { host: { ...HOST, impersonation: false } }, 'degraded'],
    ['ffmpeg is not installed', { ffmpeg: null }, 'degraded'],
    ['most posts fail', { ended: [1, 3] }, 'degraded'],
    ['half of the posts fail', { ended: [2, 2] }, 'ok'],
    ['too few extractions fail', { ended: [0, 3] }, 'ok'],
    ['the canary failed once', { canary: { last: { at: 1, code: 'timeout' }, failures_in_a_row: 1 } }, 'ok'],
    [
      'the canary failed twice',
      { canary: { last: { at: 1, code: 'timeout' }, failures_in_a_row: 2 } },
      'degraded',
    ],
    ['the disk is nearly full', { freeBytes: 1e8 }, 'degraded'],
    ['Redis is up', { redis: { state: 'up', problem: null } }, 'ok'],
    ['Redis is down', { redis: { state: 'down', problem: 'x' } }, 'degraded'],
    ['Redis refuses', { redis: { state: 'refusing', problem: 'x' } }, 'degraded'],
    ['the VPN is stopped', { vpn: { problem: 'x', isNetworkGone: false } }, 'degraded'],
    ['the network is gone', { vpn: { problem: 'x', isNetworkGone: true } }, 'down'],
    ['the engine has a problem', { engineProblem: 'x' }, 'degraded'],
  ])('when %s, given %j, reports %s', (_, given, status) => {
    const report = health(given).report();
    expect(report.status).toBe(status);
    expect(report.reasons.length > 0).toBe(status !== 'ok');
  });

  it.each<[ErrorCode, RegExp]>([
    [
      'extractor_outdated',
      /yt-dlp 2026\.10\.26 cannot read .*: 8 of the last 8 .* extractor_outdated.*npm run engine:update/,
    ],
    ['ip_blocked', /blocks this server's address: 8 of the last 8 .*PROXY_URLS/],
    ['timeout', /not answer in time: 8 of the last 8/],
    ['upstream_failed', /npm run doctor/],
    ['internal', /engine:rollback/],
  ])('explains %s and what to do', (code, words) => {
    expect(
      health({ ended: [0, 8], code })
        .report()
        .reasons.join(),
    ).toMatch(words);
  });

  it('is degraded after a dozen failures on a busy service, not after minutes of them', () => {
    expect(health({ ended: [1000, 11] }).report().status).toBe('degraded');
    expect(health({ ended: [1000, 9] }).report().status).toBe('ok');
  });

  it('reports draining during a shutdown, whatever else is wrong', () => {
    const draining = health({ host: null });
    draining.draining = true;
    expect(draining.report().status).toBe('draining');
  });
});

import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Posts } from '../../src/cache/index.ts';
import { Egresses } from '../../src/egress/index.ts';
import { Health, Outcomes } from '../../src/health/index.ts';
import { Secret } from '../../src/secret.ts';

const HOST = {
  protocol: 1,
  pid: 1,
  ytdlp: '2026.10.26',
  python: '3.11.2',
  curlCffi: '0.14.0',
  impersonation: true,
};
const WORKERS = { max: 20, active: 3, idle: 17, queued: 0 };

function health(given: { host?: typeof HOST | null; ffmpeg?: string | null; ended?: [number, number] } = {}) {
  const { host = HOST, ffmpeg = 'ffmpeg', ended = [0, 0] } = given;
  const outcomes = new Outcomes();
  for (let i = 0; i < ended[0]; i += 1) outcomes.succeeded();
  for (let i = 0; i < ended[1]; i += 1) outcomes.failed('ip_blocked');
  return new Health({
    version: '1.0.0',
    extractor: { status: { workers: WORKERS, host, hostRestarts: 0, childRestarts: 0 } },
    outcomes,
    egresses: new Egresses({
      proxies: [new Secret('http://user:pw4711@proxy:3128')],
      vpn: null,
      log: pino({ level: 'silent' }),
    }),
    posts: {
      status: new Posts({ source: { extract: () => Promise.reject() }, ttlMs: 0, shared: null }).status,
    },
    shared: null,
    ffmpeg,
  });
}

describe('the report', () => {
  it('has what the contract names', () => {
    expect(health().report()).toMatchObject({
      status: 'ok',
      time: expect.any(Number),
      uptime: expect.any(Number),
      version: '1.0.0',
      ytdlp: '2026.10.26',
      workers: WORKERS,
    });
  });

  it('leaks no password of a proxy', () => {
    expect(JSON.stringify(health().report())).not.toMatch(/pw4711|user/);
  });

  it('tells the time in seconds', () => {
    expect(Math.abs(health().report().time - Date.now() / 1000)).toBeLessThan(60);
  });

  it.each<[string, Parameters<typeof health>[0], string]>([
    ['all is well', {}, 'ok'],
    ['the host is gone', { host: null }, 'down'],
    ['yt-dlp cannot look like a browser', { host: { ...HOST, impersonation: false } }, 'degraded'],
    ['ffmpeg is missing', { ffmpeg: null }, 'degraded'],
    ['most posts fail', { ended: [1, 3] }, 'degraded'],
    ['half of the posts fail', { ended: [2, 2] }, 'ok'],
    ['few were asked for', { ended: [0, 3] }, 'ok'],
  ])('when %s, given %j, says %s', (_, given, status) => {
    const report = health(given).report();
    expect(report.status).toBe(status);
    expect(report.reasons.length > 0).toBe(status !== 'ok');
  });

  it('says draining while the service shuts down, whatever else is wrong', () => {
    const draining = health({ host: null });
    draining.draining = true;
    expect(draining.report().status).toBe('draining');
  });
});

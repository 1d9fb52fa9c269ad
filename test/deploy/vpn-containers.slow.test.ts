/** docker-compose.yml in real containers, with a stand-in for gluetun. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type Docker, hostVolumes, REPO, startDocker } from '../helpers/docker.ts';
import { until } from '../helpers/processes.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const KEYS = { ENCRYPTION_KEY: 'the key of these containers 47', GLUETUN_API_KEY: 'their other key 0815' };

/** Longer than the stand-in's own health check waits for, as a slow provider is for gluetun's. */
const TUNNEL_MS = 8000;
const HEALTHCHECK =
  'HEALTHCHECK --interval=1s --timeout=5s --start-period=1s --retries=3 CMD /gluetun-entrypoint healthcheck';

const docker = await startDocker();
const dir = mkdtempSync(join(tmpdir(), 'vpn-containers-'));

describe.skipIf(!docker)('gluetun and the service', () => {
  const { run, compose, onHost, makeImage } = docker as Docker;
  const up = (...args: string[]) =>
    compose(
      [
        '--env-file',
        '/dev/null',
        '-f',
        `${ROOT}/docker-compose.yml`,
        '-f',
        join(dir, 'override.yml'),
        ...args,
      ],
      KEYS,
    );
  const name = (service: string) => `tiktok-downloader-${service}-1`;
  const inspect = (service: string, field: string) =>
    run('inspect', '-f', `{{${field}}}`, name(service)).trim();
  /** Status of a path at an address, seen from a program; 0 without an answer. */
  const script = (url: string) =>
    `fetch('${url}', { signal: AbortSignal.timeout(4000) }).then((r) => console.log(r.status), () => console.log(0))`;
  const published = () => Number(onHost(process.execPath, '-e', script('http://127.0.0.1:3021/health/live')));
  const inside = (path: string) =>
    Number(run('exec', name('app'), 'node', '-e', script(`http://127.0.0.1:3022${path}`)));
  const startedAt = (service: string) => inspect(service, '.State.StartedAt');

  beforeAll(() => {
    const entrypoint = readFileSync(`${ROOT}/test/helpers/gluetun-container.mjs`, 'utf8');
    makeImage(
      'qmcgaw/gluetun:v3.41.0',
      {
        'gluetun.mjs': entrypoint,
        'gluetun-entrypoint': '#!/bin/sh\nexec node /gluetun.mjs "$@"\n',
      },
      ['ENTRYPOINT ["/gluetun-entrypoint"]', HEALTHCHECK],
    );
    makeImage('tiktok-downloader-service:latest', {}, [
      'ENV NODE_ENV=production',
      `CMD ["sh", "${REPO}/scripts/serve.sh"]`,
    ]);
    const volumes = hostVolumes();
    const environment = { TUNNEL_MS: String(TUNNEL_MS) };
    const services = { gluetun: { volumes, environment }, app: { volumes } };
    writeFileSync(join(dir, 'override.yml'), stringify({ services }));
    up('up', '-d', '--no-build');
  });

  afterAll(async () => {
    up('down', '-v', '-t', '1');
    await docker?.stop();
    rmSync(dir, { recursive: true });
  });

  it('start with one command, however slow the first tunnel is', async () => {
    expect(await until(() => published() === 200, 60_000)).toBe(true);
    expect(inspect('gluetun', '.State.Health.Status')).toBe('healthy');
    expect(inside('/health/ready')).toBe(200);
    expect(inspect('app', '.HostConfig.NetworkMode')).toMatch(/^container:/);
  });

  it('stay as they are when the process of gluetun is killed: it runs again in the same network', async () => {
    const before = [startedAt('gluetun'), startedAt('app')];
    // Without an argument: not the health check.
    const pid = () => run('exec', name('gluetun'), 'pgrep', '-f', 'gluetun.mjs$').trim();
    const killed = pid();
    run('exec', name('gluetun'), 'kill', '-9', killed);
    const isBack = () => {
      try {
        run('exec', name('gluetun'), '/gluetun-entrypoint', 'healthcheck');
        return pid() !== killed;
      } catch {
        return false;
      }
    };
    // Less than the 15 s after which it would try again what the killed one left behind.
    expect(await until(isBack, TUNNEL_MS + 12_000)).toBe(true);
    expect([startedAt('gluetun'), startedAt('app')]).toEqual(before);
    expect([published(), inside('/health/ready')]).toEqual([200, 200]);
  });

  it('find together again when gluetun is restarted alone', async () => {
    const before = startedAt('app');
    run('restart', '-t', '5', name('gluetun'));
    expect(await until(() => inside('/health/ready') === 503, 30_000)).toBe(true);
    expect(published()).toBe(0);
    const stranded = Date.now();
    expect(await until(() => published() === 200, 120_000)).toBe(true);
    process.stdout.write(`restarted into the new network ${Date.now() - stranded} ms after it was noticed\n`);
    expect(startedAt('app')).not.toBe(before);
    expect(inspect('app', '.RestartCount')).toBe('1');
    expect(inside('/health/ready')).toBe(200);
    const log = run('logs', name('app'));
    expect(log).toContain('the network is gone');
    expect(log).not.toContain(KEYS.GLUETUN_API_KEY);
  });

  it('stop in order', () => {
    up('stop', '-t', '40');
    expect(['gluetun', 'app'].map((service) => inspect(service, '.State.ExitCode'))).toEqual(['0', '0']);
  });
});

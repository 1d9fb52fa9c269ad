import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisStore } from '../../src/cache/index.ts';
import { until } from '../helpers/processes.ts';
import { NO_REDIS, TestRedis } from '../helpers/redis.ts';
import { freePort } from '../helpers/service.ts';

const dir = mkdtempSync(join(tmpdir(), 'redis-tls-'));
const problem = NO_REDIS ?? certificateProblem();
if (problem) process.stdout.write(`Redis over TLS is not tested: ${problem}\n`);

/** A CA and a certificate for localhost in `dir`. */
function certificateProblem(): string | null {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  try {
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    openssl('req', '-x509', ...ec, '-subj', '/CN=test CA', '-keyout', 'ca.key', '-out', 'ca.pem');
    const names = ['-addext', 'subjectAltName=DNS:localhost', '-CA', 'ca.pem', '-CAkey', 'ca.key'];
    openssl(
      'req',
      '-x509',
      ...ec,
      '-subj',
      '/CN=localhost',
      ...names,
      '-keyout',
      'key.pem',
      '-out',
      'cert.pem',
    );
    return null;
  } catch (error) {
    return String(error);
  }
}

describe.skipIf(problem !== null)('a Redis whose certificate is from an own CA', () => {
  let redis: TestRedis;
  let url: string;

  beforeAll(async () => {
    const port = await freePort();
    url = `rediss://localhost:${port}`;
    const files = [
      '--tls-cert-file',
      'cert.pem',
      '--tls-key-file',
      'key.pem',
      '--tls-ca-cert-file',
      'ca.pem',
    ];
    redis = await TestRedis.start([
      ...['--tls-port', String(port), '--tls-auth-clients', 'no'],
      ...files.map((one) => (one.startsWith('--') ? one : join(dir, one))),
    ]);
  });
  afterAll(async () => {
    await redis.stop();
    rmSync(dir, { recursive: true });
  });

  it('is used with EXTRA_CA_CERTS', async () => {
    const store = await RedisStore.open(url, pino({ level: 'silent' }), [
      readFileSync(join(dir, 'ca.pem'), 'utf8'),
    ]);
    expect(await until(() => store.status.state === 'up', 10_000)).toBe(true);
    expect(await store.run((client) => client.set('a', 'b'))).toBe('OK');
    store.close();
  });

  it('is not used without, and the problem says what is missing', async () => {
    const store = await RedisStore.open(url, pino({ level: 'silent' }));
    expect(await until(() => /EXTRA_CA_CERTS/.test(store.status.problem ?? ''), 10_000)).toBe(true);
    expect(store.status.state).toBe('down');
    store.close();
  });
});

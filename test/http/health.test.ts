import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';

let app: TestApp;

afterEach(() => app.close());

const SHORT = ['status', 'time', 'uptime', 'version', 'ytdlp', 'workers'];
const TOKEN = 'a token for prometheus';

async function keysOfHealth(options: { remoteAddress?: string; headers?: Record<string, string> } = {}) {
  const response = await app.server.inject({ url: '/health', ...options });
  return Object.keys(response.json());
}

async function metricsStatus(options: { remoteAddress?: string; headers?: Record<string, string> } = {}) {
  return (await app.server.inject({ url: '/metrics', ...options })).statusCode;
}

describe('/health and /metrics on the main port', () => {
  it.each(['127.0.0.1', '::1', '10.1.2.3', '192.168.1.1', 'fd00::1', '::ffff:172.16.0.1'])(
    'show all to an internal client: %s',
    async (remoteAddress) => {
      app = await buildTestApp();
      expect(await keysOfHealth({ remoteAddress })).toEqual(
        expect.arrayContaining([...SHORT, 'egress', 'warnings']),
      );
      expect(await metricsStatus({ remoteAddress })).toBe(200);
    },
  );

  it.each(['203.0.113.7', '2001:db8::1'])(
    'show strangers a short /health and no /metrics: %s',
    async (remoteAddress) => {
      app = await buildTestApp();
      expect(await keysOfHealth({ remoteAddress })).toEqual(SHORT);
      expect(await metricsStatus({ remoteAddress })).toBe(404);
    },
  );

  it('take a client behind an unknown proxy on this machine for a stranger', async () => {
    app = await buildTestApp();
    const headers = { 'x-forwarded-for': '127.0.0.1' };
    expect(await keysOfHealth({ headers })).toEqual(SHORT);
    expect(await metricsStatus({ headers })).toBe(404);
  });

  it('look at the address behind a trusted proxy', async () => {
    app = await buildTestApp({ TRUST_PROXY: 'loopback' });
    expect(await metricsStatus({ headers: { 'x-forwarded-for': '10.0.0.1' } })).toBe(200);
    expect(await metricsStatus({ headers: { 'x-forwarded-for': '203.0.113.7' } })).toBe(404);
  });

  it('want HEALTH_TOKEN of everybody where it is set', async () => {
    app = await buildTestApp({ HEALTH_TOKEN: TOKEN });
    const wrong = [{}, { authorization: 'Bearer wrong' }, { authorization: `Basic ${TOKEN}` }];
    for (const headers of wrong as Record<string, string>[]) {
      expect(await keysOfHealth({ headers })).toEqual(SHORT);
      expect(await metricsStatus({ headers })).toBe(404);
    }
    const headers = { authorization: 'Bearer a-token-for-prometheus' };
    await app.close();
    app = await buildTestApp({ HEALTH_TOKEN: 'a-token-for-prometheus' });
    const remoteAddress = '203.0.113.7';
    expect(await keysOfHealth({ headers, remoteAddress })).toContain('egress');
    expect(await metricsStatus({ headers, remoteAddress })).toBe(200);
  });

  it('allow no other site to read them through a browser', async () => {
    app = await buildTestApp();
    for (const url of ['/health', '/health/live', '/health/ready', '/metrics']) {
      const { headers } = await app.server.inject({ url, headers: { origin: 'https://evil.example' } });
      expect([url, headers['access-control-allow-origin']]).toEqual([url, undefined]);
    }
  });

  it('answer 200 while serving and HEAD as GET', async () => {
    app = await buildTestApp();
    for (const url of ['/health', '/health/live', '/health/ready']) {
      const { statusCode, headers } = await app.server.inject({ method: 'HEAD', url });
      expect([statusCode, headers['cache-control']]).toEqual([200, 'no-store']);
    }
  });

  it('warn where production has no BASE_URL', async () => {
    app = await buildTestApp({
      NODE_ENV: 'production',
      BASE_URL: '',
      ENCRYPTION_KEY: 'vX3r9-Qm2Lk8_Tz5Wc7Yb1',
    });
    const { warnings } = (await app.server.inject('/health')).json() as { warnings: string[] };
    expect(warnings).toEqual([expect.stringContaining('BASE_URL is not set')]);
    await app.listenAnywhere();
    expect(app.log.filter(({ level }) => level === 40).map(({ msg }) => msg)).toEqual(warnings);
  });
});

describe('MANAGEMENT_PORT', () => {
  it('serves /health with all details, and /metrics on that port only', async () => {
    app = await buildTestApp({ MANAGEMENT_PORT: '0' });
    expect(await keysOfHealth()).toEqual(SHORT);
    expect(await metricsStatus()).toBe(404);
    await app.listenAnywhere();
    const { port } = (app.management as FastifyInstance).server.address() as AddressInfo;
    const at = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    expect(Object.keys((await (await at('/health')).json()) as object)).toContain('egress');
    expect((await at('/health/ready')).status).toBe(200);
    expect(await (await at('/metrics')).text()).toContain('tiktok_workers');
    expect((await at('/tiktok')).status).toBe(404);
  });
});

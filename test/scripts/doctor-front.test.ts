import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { examineCloudflare } from '../../scripts/doctor/cloudflare.mjs';
import { examineRunning } from '../../scripts/doctor/running.mjs';
import { loadConfig } from '../../src/config.ts';
import { CLOUDFLARE } from '../../src/http/cloudflare.ts';
import { buildTestApp } from '../helpers/app.ts';
import { freePort } from '../helpers/service.ts';

let server: Server | null = null;

afterEach(() => {
  server?.close();
  server = null;
});

async function cloudflareWith(networks: readonly string[] | null): Promise<string> {
  const started = createServer((request, response) => {
    const isV6 = request.url === '/ips-v6';
    const lines = networks?.filter((network) => network.includes(':') === isV6).join('\n');
    response.writeHead(lines === undefined ? 403 : 200).end(lines ?? '<html>');
  }).listen(0, '127.0.0.1');
  server = started;
  await once(started, 'listening');
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
}

describe('the list of TRUST_PROXY=cloudflare', () => {
  const [first = '', ...rest] = CLOUDFLARE.networks;
  it.each<[string, readonly string[] | null, string, RegExp]>([
    ['as Cloudflare has it', CLOUDFLARE.networks, 'ok', /is Cloudflare's$/],
    ['with another network', [...CLOUDFLARE.networks, '203.0.113.0/24'], 'warn', /new: 203\.0\.113\.0\/24$/],
    ['with one less', rest, 'warn', new RegExp(`gone: ${first}$`)],
    ['that cannot be read', null, 'warn', /cannot be compared: .* answers 403/],
  ])('%s', async (_, networks, state, says) => {
    const source = await cloudflareWith(networks);
    const findings = await examineCloudflare(loadConfig({ TRUST_PROXY: 'loopback, cloudflare' }), source);
    expect(findings).toEqual([expect.objectContaining({ state, says: expect.stringMatching(says) })]);
  });

  it('is not asked for without need', async () => {
    expect(await examineCloudflare(loadConfig({ TRUST_PROXY: '10.0.0.1' }), 'http://127.0.0.1:1')).toEqual(
      [],
    );
  });
});

describe('a running service', () => {
  it('adds its warnings, such as a proxy that TRUST_PROXY does not name', async () => {
    const app = await buildTestApp({ HEALTH_TOKEN: 'a-token-of-this-test' });
    try {
      const { port, url } = await app.listenAnywhere();
      await fetch(`${url}/health/live`, { headers: { 'x-forwarded-for': '198.51.100.7' } });
      const settings = { PORT: String(port), HEALTH_TOKEN: 'a-token-of-this-test' };
      const texts = (await examineRunning(loadConfig(settings))).map(({ says }) => says);
      expect(texts).toContainEqual(expect.stringMatching(/the proxy 127\.0\.0\.1 .*TRUST_PROXY/));
    } finally {
      await app.close();
    }
  });

  it('need not be there', async () => {
    const [finding] = await examineRunning(loadConfig({ PORT: String(await freePort()) }));
    expect(finding).toMatchObject({ state: 'ok', says: expect.stringContaining('does not run here') });
  });
});

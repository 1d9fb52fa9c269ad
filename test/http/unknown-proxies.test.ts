import { afterEach, describe, expect, it } from 'vitest';
import { CLOUDFLARE } from '../../src/http/cloudflare.ts';
import { trustFunction } from '../../src/http/trust-proxy.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';

let app: TestApp | null = null;

afterEach(async () => {
  await app?.close();
  app = null;
});

const VISITOR = '198.51.100.7';
const CDN = '104.16.1.1';

/** The warnings of /health after requests from a connection's address with an X-Forwarded-For. */
async function warningsAfter(
  trustProxy: string,
  ...requests: [remoteAddress: string, forwarded?: string, others?: Record<string, string>][]
) {
  app = await buildTestApp({ TRUST_PROXY: trustProxy, BASE_URL: 'http://service.test' });
  for (const [remoteAddress, forwarded, others] of requests) {
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded, ...others };
    await app.server.inject({ url: '/health/live', remoteAddress, headers });
  }
  const { warnings } = (await app.server.inject({ url: '/health' })).json() as { warnings: string[] };
  const isAboutProxies = (text: string) => text.includes('is not believed');
  const logged = app.log.map(({ msg }) => String(msg)).filter(isAboutProxies);
  return { warnings: warnings.filter(isAboutProxies), logged };
}

describe('what a proxy forwards and is not believed', () => {
  it.each<[string, string, [string, string], RegExp]>([
    ['no proxy is named', 'false', ['172.18.0.1', VISITOR], /the proxy 172\.18\.0\.1 .* as `private`/],
    ['it is on this machine', 'false', ['::ffff:127.0.0.1', VISITOR], /as `loopback`/],
    ['it is a CDN', 'false', [CDN, VISITOR], /as `cloudflare`/],
    [
      'a CDN is before the named one',
      'loopback',
      ['127.0.0.1', `${VISITOR}, ${CDN}`],
      /104\.16.*`cloudflare`/,
    ],
    ['a CDN is before the counted one', '1', ['127.0.0.1', `${VISITOR}, ${CDN}`], /104\.16.*`cloudflare`/],
    [
      'an own one is before',
      'loopback',
      ['127.0.0.1', `${VISITOR}, 10.0.0.4`],
      /proxy 10\.0\.0\.4 .*`private`/,
    ],
  ])('is said once in the log and in /health where %s', async (_, trustProxy, request, words) => {
    const { warnings, logged } = await warningsAfter(trustProxy, request, request, request);
    expect(warnings).toEqual([expect.stringMatching(words)]);
    expect(warnings[0]).toContain('share the limits of one');
    expect(logged).toEqual(warnings);
  });

  it.each<[string, string, Record<string, string>]>([
    ['our nginx does not know its front', '172.18.0.1', { 'x-unverified-forwarded-for': VISITOR }],
    ['a proxy does not know Cloudflare', CDN, { 'cf-connecting-ip': VISITOR }],
  ])('is said where %s', async (_, forwarded, others) => {
    const { warnings } = await warningsAfter('loopback', ['127.0.0.1', forwarded, others]);
    expect(warnings).toEqual([expect.stringMatching(/before the service must be told to believe it/)]);
    expect(warnings[0]).toContain(`the proxy ${forwarded} `);
  });

  it('of an address of the internet is a guess, without the address itself, which a better one replaces', async () => {
    const { warnings, logged } = await warningsAfter(
      'false',
      ['203.0.113.9', VISITOR],
      ['203.0.113.10', VISITOR],
    );
    expect(warnings).toEqual([expect.stringMatching(/^what 203\.0\.113\.0\/24 forwards .* if that is/)]);
    expect(logged).toEqual(warnings);
    await app?.close();
    const better = await warningsAfter('false', ['203.0.113.9', VISITOR], ['10.0.0.4', VISITOR]);
    expect(better.warnings).toEqual([expect.stringContaining('the proxy 10.0.0.4')]);
  });

  it.each<[string, string, [string, string?, Record<string, string>?]]>([
    ['there is none', 'false', ['172.18.0.1']],
    ['the proxy is named', 'private', ['172.18.0.1', VISITOR]],
    ['both are named', 'loopback,cloudflare', ['127.0.0.1', `${VISITOR}, ${CDN}`]],
    ['both are counted', '2', ['127.0.0.1', `${VISITOR}, ${CDN}`]],
    [
      'our nginx knows its front',
      'loopback',
      ['127.0.0.1', VISITOR, { 'x-unverified-forwarded-for': `1.2.3.4, ${VISITOR}` }],
    ],
    ['a proxy knows Cloudflare', 'loopback', ['127.0.0.1', VISITOR, { 'cf-connecting-ip': VISITOR }]],
    ['everybody is believed', 'true', ['203.0.113.9', `${VISITOR}, ${CDN}`]],
  ])('is no matter where %s', async (_, trustProxy, request) => {
    expect((await warningsAfter(trustProxy, request)).warnings).toEqual([]);
  });
});

describe('TRUST_PROXY', () => {
  it.each<[string, string[], string[]]>([
    [
      'private',
      ['10.1.2.3', '172.31.0.1', '192.168.0.9', 'fd00::1', '::ffff:10.1.2.3'],
      ['127.0.0.1', '8.8.8.8'],
    ],
    ['loopback', ['127.0.0.1', '::1', '::ffff:127.0.0.1'], ['10.1.2.3']],
    ['cloudflare', [CDN, '172.64.0.1', '2606:4700::1', '::ffff:104.16.1.1'], ['1.1.1.1', '127.0.0.1']],
    ['cloudflare, loopback,203.0.113.0/24', [CDN, '127.0.0.1', '203.0.113.9'], ['10.1.2.3']],
  ])('%s are the proxies %j and not %j', (setting, proxies, others) => {
    const isProxy = trustFunction(setting);
    for (const address of proxies) expect([address, isProxy(address, 0)]).toEqual([address, true]);
    for (const address of others) expect([address, isProxy(address, 0)]).toEqual([address, false]);
  });

  it('has a dated list of Cloudflare’s networks', () => {
    expect(CLOUDFLARE.asOf).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(CLOUDFLARE.networks).toHaveLength(22);
  });
});

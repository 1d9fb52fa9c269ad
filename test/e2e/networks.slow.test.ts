import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { buildNetwork, type Network, PROXY_URL, whyNoNetwork } from '../helpers/netns/network.ts';
import type { OutsideOptions, Ready, Seen } from '../helpers/netns/outside.ts';
import type { Visit } from '../helpers/netns/visit.ts';

const reason = whyNoNetwork();
if (reason !== null) console.warn(`skipped: ${reason}`);

/** Main module of another version of the service, to compare with. */
const MAIN = process.env.NETWORKS_MAIN ?? '';
const HELPERS = new URL('../helpers/netns/', import.meta.url).pathname;

let network: Network | null = null;
afterEach(() => {
  network?.close();
  network = null;
});

async function line<T>(program: ChildProcess): Promise<T> {
  const { stdout } = program;
  if (!stdout) throw new Error('no output');
  const lines = createInterface({ input: stdout });
  const ended = once(program, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${code}`)));
  const [text] = (await Promise.race([once(lines, 'line'), ended])) as [string];
  ended.catch(() => {});
  lines.close();
  return JSON.parse(text) as T;
}

/** One visit to a service in a network. */
async function visit(
  family: 4 | 6 | 'both',
  options: OutsideOptions,
  env: Readonly<Record<string, string>> = {},
): Promise<Visit & Seen & { isRight: boolean }> {
  network = buildNetwork(family);
  const run = (script: string, ...args: string[]) =>
    [process.execPath, '--import', 'tsx', `${HELPERS}${script}`, ...args] as const;
  const outside = network.outside(...run('outside.ts', JSON.stringify(options)));
  const { caFile, url, sha256 } = await line<Ready>(outside);
  const variables = JSON.stringify({ EXTRA_CA_CERTS: caFile, ...env });
  const seen = await line<Visit>(network.inside(...run('visit.ts', url, variables, MAIN)));
  outside.stdin?.write('\n');
  const report = await line<Seen>(outside);
  return { ...seen, ...report, isRight: seen.sha256.every((one) => sha256.includes(one)) };
}

const PUBLIC = '93.184.216.N';
const SERVED = { post: 200, files: [200, 200], isRight: true, inside: [] };
const REFUSED = { post: 200, files: ['upstream_failed', 'upstream_failed'], inside: [] };
const wellKnownAt = (prefix: string) => [`${prefix}192.0.0.170`, `${prefix}192.0.0.171`];

describe.skipIf(reason !== null)('a network with', () => {
  it.each<[string, 4 | 6 | 'both', OutsideOptions]>([
    ['IPv4', 4, { addresses: [PUBLIC] }],
    ['IPv6 alone', 6, { addresses: ['2606:2800:220::NN'] }],
    ['both', 'both', { addresses: [PUBLIC, '2606:2800:220::NN'] }],
    [
      'NAT64 by the well-known prefix',
      6,
      { addresses: [PUBLIC, `64:ff9b::${PUBLIC}`], ipv4only: wellKnownAt('64:ff9b::') },
    ],
    [
      'NAT64 by a prefix of its own',
      6,
      { addresses: [PUBLIC, `fd64::${PUBLIC}`], ipv4only: wellKnownAt('fd64::') },
    ],
    [
      "NAT64 by RFC 8215's prefix",
      6,
      {
        addresses: [PUBLIC, '64:ff9b:1:5db8:d8:NN00::'],
        ipv4only: ['64:ff9b:1:c000:0:aa00::', '64:ff9b:1:c000:0:ab00::'],
      },
    ],
  ])('%s: posts and files', async (_name, family, options) => {
    const seen = await visit(family, options);
    expect(seen).toMatchObject({ ...SERVED, health: { status: 'ok' } });
  });

  it.each<[string, 4 | 'both', OutsideOptions]>([
    ['Clash, mihomo, sing-box', 4, { addresses: ['198.18.0.N'], ipv4only: ['198.18.255.1'] }],
    ['sing-box with IPv6', 'both', { addresses: ['fc00::NN'], ipv4only: ['fc00::ff01'] }],
  ])('fake IP (%s): refused and said, or let through', async (_name, family, options) => {
    const refused = await visit(family, options);
    expect(refused).toMatchObject(REFUSED);
    expect(refused.health.status).toBe('degraded');
    expect(refused.health.reasons.join()).toMatch(/fake-IP pool.*FAKE_IP=allow/);
    network?.close();
    const allowed = await visit(family, options, { FAKE_IP: 'allow' });
    expect(allowed).toMatchObject({ ...SERVED, health: { status: 'ok' } });
  });
});

describe.skipIf(reason !== null)('hostile answers for media hosts, with FAKE_IP=allow: no connection', () => {
  it.each<[string, Omit<OutsideOptions, 'addresses'>]>([
    ['inside', { mediaAddresses: ['10.9.9.9'] }],
    ['inside beside a public address', { mediaAddresses: [PUBLIC, '10.9.9.9'] }],
    ['inside beside a fake one', { mediaAddresses: ['198.18.0.N', '192.168.77.1'] }],
    ['metadata', { mediaAddresses: ['169.254.169.254'] }],
    ['the resolver itself', { mediaAddresses: ['10.200.0.1'] }],
    ['inside by NAT64', { mediaAddresses: ['64:ff9b::10.9.9.9'], ipv4only: wellKnownAt('64:ff9b::') }],
    [
      'inside by the network’s NAT64',
      { mediaAddresses: ['fd64::10.9.9.9'], ipv4only: wellKnownAt('fd64::') },
    ],
    ['another prefix', { mediaAddresses: ['fd65::93.184.216.1'], ipv4only: wellKnownAt('fd64::') }],
    ['the link as a prefix', { mediaAddresses: ['fd00:200::1'], ipv4only: wellKnownAt('fd00:200::') }],
  ])('%s', async (_name, options) => {
    const seen = await visit('both', { addresses: [PUBLIC], ...options }, { FAKE_IP: 'allow' });
    expect(seen).toMatchObject({ ...REFUSED, media: { direct: 0, proxy: 0 } });
    expect(seen.health.status).toBe('degraded');
  });
});

describe.skipIf(reason !== null)('MEDIA_EGRESS=direct-first', () => {
  const proxied = (variables = {}) => ({ PROXY_URLS: PROXY_URL, MEDIA_EGRESS: 'direct-first', ...variables });

  it('takes nothing through the proxy that comes without it', async () => {
    const seen = await visit(4, { addresses: [PUBLIC] }, proxied());
    expect(seen).toMatchObject({ ...SERVED, media: { proxy: 0 } });
    expect(seen.media.direct).toBeGreaterThan(0);
  });

  it.each(['refused', 'reset'] as const)('goes back to the proxy, and stays there: %s', async (direct) => {
    const seen = await visit(4, { addresses: [PUBLIC], direct }, proxied());
    expect(seen).toMatchObject({ ...SERVED, media: { direct: direct === 'refused' ? 1 : 0, proxy: 2 } });
  });

  it('is not the default', async () => {
    const seen = await visit(4, { addresses: [PUBLIC] }, { PROXY_URLS: PROXY_URL });
    expect(seen).toMatchObject({ ...SERVED, media: { direct: 0, proxy: 2 } });
  });
});

it.skipIf(reason !== null)('leaves no namespace behind', () => {
  expect(execFileSync('ip', ['netns', 'list']).toString()).not.toMatch(new RegExp(`ttdl-.*-${process.pid}-`));
});

import net from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { MediaClient } from '../../src/cdn/index.ts';
import { nameOf, prefixesIn } from '../../src/cdn/nat64.ts';
import { AddressGuard } from '../../src/cdn/ssrf-guard.ts';
import { Upstream } from './fake-cdn.ts';

const HOST = 'v16.tiktokcdn.com';
const PUBLIC = '93.184.216.34';

type Zone = Readonly<Record<string, readonly string[]>>;

/** A resolver that answers as the zone says; a name of which it says nothing does not exist. */
function resolverOf(zone: Zone) {
  return vi.fn(async (host: string) => {
    const addresses = zone[host];
    if (!addresses) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    return addresses.map((address) => ({ address, family: net.isIP(address) }));
  });
}

/** What the guard makes of a name: its addresses, or the name of the error. */
async function judge(zone: Zone, { allowFakeIp = false, host = HOST } = {}) {
  const guard = new AddressGuard({ resolve: resolverOf(zone), allowFakeIp });
  const found = await guard.addressesOf(host).then(
    (addresses) => addresses.map(({ address }) => address),
    (error: Error) => error.name,
  );
  return { found, status: guard.status };
}

const REFUSED = 'ForbiddenAddressError';

/** The addresses of `ipv4only.arpa` under a prefix of 96 bits. */
const wellKnownAt = (prefix: string) => [`${prefix}192.0.0.170`, `${prefix}192.0.0.171`];

describe('the NAT64 prefix of the network', () => {
  /** RFC 6052 §2.4: 192.0.2.33 under each length of prefix, here with the addresses of the name and of a host. */
  it.each<[string, string[], string, string]>([
    ['2600:122:344::/96', wellKnownAt('2600:122:344::'), '2600:122:344::a00:1', '2600:122:344::5db8:d822'],
    [
      '2600:122:344::/64',
      ['2600:122:344:0:c0:0:aa00:0', '2600:122:344:0:c0:0:ab00:0'],
      '2600:122:344:0:a:0:100:0',
      '2600:122:344:0:5d:b8d8:2200:0',
    ],
    [
      '2600:122:344::/48',
      ['2600:122:344:c000:0:aa00::', '2600:122:344:c000:0:ab00::'],
      '2600:122:344:a00:0:100::',
      '2600:122:344:5db8:d8:2200::',
    ],
    [
      '2600:122::/32',
      ['2600:122:c000:aa::', '2600:122:c000:ab::'],
      '2600:122:a00:1::',
      '2600:122:5db8:d822::',
    ],
    ['fd00:64::/96', wellKnownAt('fd00:64::'), 'fd00:64::a00:1', 'fd00:64::5db8:d822'],
    [
      '64:ff9b:1::/48',
      ['64:ff9b:1:c000:0:aa00::', '64:ff9b:1:c000:0:ab00::'],
      '64:ff9b:1:a00:0:100::',
      '64:ff9b:1:5db8:d8:2200::',
    ],
    ['64:ff9b::/96', wellKnownAt('64:ff9b::'), '64:ff9b::a00:1', '64:ff9b::5db8:d822'],
  ])('%s: an address counts as the IPv4 address that it carries', async (prefix, shown, inside, outside) => {
    const zone = { 'ipv4only.arpa': ['192.0.0.170', ...shown] };
    expect(await judge({ ...zone, [HOST]: [inside] })).toMatchObject({ found: REFUSED });
    const accepted = await judge({ ...zone, [HOST]: [PUBLIC, outside] });
    expect(accepted).toEqual({
      found: [PUBLIC, outside],
      status: { nat64: [prefix], fake_ip: null, refused: null },
    });
  });

  it.each<[string, Zone, string]>([
    [
      'another suffix than zero',
      { 'ipv4only.arpa': ['64:ff9b:1:c000:0:aa00::', '64:ff9b:1:c000:0:ab00::'] },
      '64:ff9b:1:5db8:d8:2200::1',
    ],
    ['one address of two', { 'ipv4only.arpa': ['fd00:64::192.0.0.170'] }, 'fd00:64::5db8:d822'],
    [
      'two prefixes for two',
      { 'ipv4only.arpa': ['fd00:64::192.0.0.170', 'fd00:65::192.0.0.171'] },
      'fd00:64::5db8:d822',
    ],
    [
      'other addresses',
      { 'ipv4only.arpa': ['fd00:64::192.0.0.1', 'fd00:64::192.0.0.2'] },
      'fd00:64::5db8:d822',
    ],
    ['no answer', {}, 'fd00:64::5db8:d822'],
    ['a fake-IP pool', { 'ipv4only.arpa': ['198.18.0.9'] }, 'fd00:64::5db8:d822'],
    // Networks that hold hosts, whatever a resolver says of them.
    ['loopback', { 'ipv4only.arpa': wellKnownAt('::') }, '::5db8:d822'],
    ['mapped addresses', { 'ipv4only.arpa': wellKnownAt('::ffff:') }, '::ffff:5db8:d822'],
    ['link-local addresses', { 'ipv4only.arpa': wellKnownAt('fe80::') }, 'fe80::5db8:d822'],
    ['multicast', { 'ipv4only.arpa': wellKnownAt('ff02::') }, 'ff02::5db8:d822'],
    ['6to4', { 'ipv4only.arpa': wellKnownAt('2002:a00:1::') }, '2002:a00:1::5db8:d822'],
    ['the prefix of documentation', { 'ipv4only.arpa': wellKnownAt('2001:db8::') }, '2001:db8::5db8:d822'],
    ['discard-only', { 'ipv4only.arpa': wellKnownAt('100::') }, '100::5db8:d822'],
    ['all of fc00::/7', { 'ipv4only.arpa': ['fc00:0:c000:aa::', 'fc00:0:c000:ab::'] }, 'fd00:64::5db8:d822'],
  ])('is not believed: %s', async (_name, zone, address) => {
    expect((await judge({ ...zone, [HOST]: [address] })).found).toBe(REFUSED);
  });

  it('is not believed where this machine has an address in it', () => {
    expect(prefixesIn(wellKnownAt('fd00:64::'), ['fd00:64::1'])).toEqual([]);
    expect(prefixesIn(wellKnownAt('fd00:64::'), ['::1', 'fd00:65::1']).map(nameOf)).toEqual(['fd00:64::/96']);
  });

  it('holds up no connection for longer than two seconds where the resolver is silent about it', async () => {
    vi.useFakeTimers();
    const silent = new Promise<never>(() => {});
    const resolve = vi.fn((host: string) =>
      host === HOST ? Promise.resolve([{ address: '2606:2800:220:1::1', family: 6 }]) : silent,
    );
    const found = new AddressGuard({ resolve }).addressesOf(HOST);
    await vi.advanceTimersByTimeAsync(2000);
    vi.useRealTimers();
    expect(await found).toHaveLength(1);
  });

  it('is asked for once, at the first IPv6 address', async () => {
    const resolve = resolverOf({
      'v4.tiktokcdn.com': [PUBLIC],
      'v6.tiktokcdn.com': ['2606:2800:220:1::1'],
      'ipv4only.arpa': wellKnownAt('64:ff9b::'),
    });
    const guard = new AddressGuard({ resolve });
    const asked = () => resolve.mock.calls.filter(([host]) => host === 'ipv4only.arpa').length;
    await guard.addressesOf('v4.tiktokcdn.com');
    expect(asked()).toBe(0);
    await Promise.all([1, 2, 3].map(() => guard.addressesOf('v6.tiktokcdn.com')));
    await guard.addressesOf('v6.tiktokcdn.com');
    expect(asked()).toBe(1);
  });
});

describe('a fake-IP pool', () => {
  const POOLS = ['198.18.0.7', '198.19.255.1', '240.0.0.9', '2001:2::5', 'fc00::9', 'fdfe:dcba:9876::3'];

  it.each(POOLS)('%s is refused, and noticed', async (address) => {
    expect(await judge({ [HOST]: [address] })).toEqual({
      found: REFUSED,
      status: { nat64: [], fake_ip: address, refused: { host: HOST, address } },
    });
  });

  it.each(POOLS)('%s is let through by FAKE_IP=allow', async (address) => {
    expect(await judge({ [HOST]: [address, PUBLIC] }, { allowFakeIp: true })).toEqual({
      found: [address, PUBLIC],
      status: { nat64: [], fake_ip: address, refused: null },
    });
  });

  it.each([
    ...['127.0.0.1', '10.0.0.1', '192.168.0.1', '172.16.0.1', '169.254.169.254', '100.64.0.1', '0.0.0.0'],
    ...['255.255.255.255', '224.0.0.1', '::1', 'fd00::1', 'fc80::1', 'fe80::1', '::ffff:198.18.0.7'],
    ...['64:ff9b::198.18.0.7', '64:ff9b::10.0.0.1', 'fdfe:dcba:9876:1::1', '198.20.0.1.evil'],
  ])('is nothing that %s is of, whatever FAKE_IP says', async (address) => {
    expect((await judge({ [HOST]: [address] }, { allowFakeIp: true })).found).toBe(REFUSED);
    expect((await judge({ [HOST]: ['198.18.0.7', address] }, { allowFakeIp: true })).found).toBe(REFUSED);
  });

  it('is forgotten when the name leads elsewhere', async () => {
    const zone: Record<string, string[]> = { [HOST]: ['198.18.0.7'] };
    const guard = new AddressGuard({ resolve: resolverOf(zone) });
    await guard.addressesOf(HOST).catch(() => {});
    zone[HOST] = [PUBLIC];
    await guard.addressesOf(HOST);
    expect(guard.status).toEqual({ nat64: [], fake_ip: null, refused: null });
  });
});

describe('hostile DNS answers, with FAKE_IP=allow', () => {
  /** A resolver that says anything of any name, media host or not. */
  const ZONE: Zone = {
    'mixed.tiktokcdn.com': [PUBLIC, '10.0.0.1'],
    'mixed-fake.tiktokcdn.com': ['198.18.0.7', '127.0.0.1'],
    'inside.tiktokcdn.com': ['127.0.0.1'],
    'metadata.tiktokcdn.com': ['169.254.169.254'],
    // A CNAME to a name of the inside comes as that name's address.
    'cname.tiktokcdn.com': ['192.168.1.1'],
    'mapped.tiktokcdn.com': ['::ffff:10.0.0.1'],
    'nat64.tiktokcdn.com': ['64:ff9b::a00:1'],
    'own-nat64.tiktokcdn.com': ['fd00:64::a00:1'],
    'other-nat64.tiktokcdn.com': ['fd00:65::5db8:d822'],
    'none.tiktokcdn.com': [],
    'ipv4only.arpa': wellKnownAt('fd00:64::'),
    'evil.example': ['198.18.0.7'],
    '198.18.0.7': ['198.18.0.7'],
    localhost: ['198.18.0.7'],
  };
  const LINKS = [
    ...Object.keys(ZONE).map((host) => `https://${host}/`),
    'https://[fc00::9]/',
    'https://[2001:2::5]/',
    'https://240.0.0.9/',
    'https://198.18.0.7:443/',
    'https://v16.tiktokcdn.com@198.18.0.7/',
  ];

  let upstream: Upstream;
  let client: MediaClient;
  let attempts: string[];
  beforeAll(async () => {
    upstream = await Upstream.start();
  });
  afterAll(() => upstream.stop());
  beforeEach(() => {
    attempts = [];
    const connect = net.Socket.prototype.connect;
    vi.spyOn(net.Socket.prototype, 'connect').mockImplementation(function (this: net.Socket, ...args) {
      this.on('connectionAttempt', (ip) => attempts.push(ip));
      return Reflect.apply(connect, this, args);
    });
    client = new MediaClient({
      egresses: new Map([['e1', null]]),
      allowFakeIp: true,
      stallTimeoutMs: 2000,
      resolve: resolverOf(ZONE),
    });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await client.close();
  });

  it.each(LINKS)('%s: opens no connection', async (link) => {
    const source = { id: 'x', urls: [link], cookie: null, referer: '', egress: 'e1' };
    const { signal } = new AbortController();
    await expect(client.openMedia(source, { method: 'GET' }, { signal })).rejects.toMatchObject({
      code: 'upstream_failed',
    });
    expect(attempts).toEqual([]);
  });
});

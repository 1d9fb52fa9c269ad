import net from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { MediaClient, mediaUrl } from '../../src/cdn/index.ts';
import { isPublicAddress } from '../../src/cdn/public-address.ts';
import { AddressGuard, type Resolve } from '../../src/cdn/ssrf-guard.ts';
import { status, Upstream } from './fake-cdn.ts';

const GOOD = 'v16.tiktokcdn.com';

/** None of these may lead to a connection, neither as a link nor as the target of a redirect. */
const VECTORS = [
  // literal addresses
  'https://127.0.0.1/',
  'https://127.1/',
  'https://2130706433/',
  'https://0x7f000001/',
  'https://0177.0.0.1/',
  'https://0x7f.0.0.0x1/',
  'https://0/',
  'https://0.0.0.0/',
  'https://10.0.0.1/',
  'https://172.16.0.1/',
  'https://192.168.0.1/',
  'https://169.254.169.254/latest/meta-data/',
  'https://100.64.0.1/',
  'https://8.8.8.8/',
  'https://１２７.０.０.１/',
  'https://127。0。0。1/',
  'https://[::1]/',
  'https://[::]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:7f00:1]/',
  'https://[::127.0.0.1]/',
  'https://[64:ff9b::7f00:1]/',
  'https://[2002:7f00:1::]/',
  'https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/',
  'https://[fe80::1]/',
  'https://[fe80::1%25eth0]/',
  'https://[fc00::1]/',
  'https://[ff02::1]/',
  // names
  'https://localhost/',
  'https://localhost.localdomain/',
  'https://metadata.google.internal/',
  'https://tiktokcdn.com.evil.example/',
  'https://eviltiktokcdn.com/',
  'https://evil-tiktokcdn.com/',
  'https://tiktokcdn.com.127.0.0.1.nip.io/',
  'https://evil.akamaized.net/',
  'https://x.p16-sg-default.akamaized.net/',
  'https://tiktokcdn/',
  'https://com/',
  'https://v16.tiktokcdn.com./',
  'https://v16.tiktokcdn.com../',
  'https://v16..tiktokcdn.com/',
  'https://.tiktokcdn.com/',
  'https://v16_x.tiktokcdn.com/',
  'https://xn--tiktokcdn-0ya.com/',
  'https://tíktokcdn.com/',
  'https://v16.ｔｉｋｔｏｋｃｄｎ.com/',
  'https://v16.tiktokcdn。com/',
  'https://v16.tik\u00ADtokcdn.com/',
  // of request-filtering-agent and other filters' bug lists
  'https://0000::1/',
  'https://[0000::1]/',
  'https://[::ffff:0:127.0.0.1]/',
  'https://[::ffff:169.254.169.254]/',
  'https://localhost./',
  'https://127.0.0.1.nip.io/',
  'https://①②⑦.⓪.⓪.①/',
  'https://0xA9FEA9FE/',
  'https://2852039166/',
  'https://0251.0376.0251.0376/',
  'https://[fd00:ec2::254]/latest/meta-data/',
  'https://168.63.129.16/',
  'https://198.18.0.1/',
  'https://127.0.1/',
  'https://0177.00.01/',
  'https://0177.01/',
  'https://017700000001/',
  'https://0x7f.0x0.0x0.0x1/',
  'https://0x7f.0x1/',
  'https://[0:0:0:0:0:0:0:1]/',
  'https://[0:0:0:0:0:ffff:127.0.0.1]/',
  'https://A.com@127.0.0.1/',
  'https://169.254.169.254.nip.io/computeMetadata/v1/',
  // of imgproxy: IPv4 addresses inside IPv6 ones, public as they may look
  'https://[::10.0.0.1]/',
  'https://[2002:a00:1::]/',
  'https://[64:ff9b::172.16.0.1]/',
  'https://[64:ff9b::8.8.8.8]/',
  'https://[64:ff9b:1:a00:0:100::]/',
  'https://[2001:0:0:0:0:0:f5ff:fffe]/',
  'https://[2001:db8::5efe:a00:1]/',
  'https://[2600::200:5efe:c0a8:101]/',
  // parsers that disagree
  'https://v16.tiktokcdn.com@127.0.0.1/',
  'https://v16.tiktokcdn.com:x@127.0.0.1/',
  'https://evil.example@v16.tiktokcdn.com/',
  'https://user:pass@v16.tiktokcdn.com/',
  'https://@v16.tiktokcdn.com/',
  'https://127.0.0.1\\@v16.tiktokcdn.com/',
  'https://v16.tiktokcdn.com\\@127.0.0.1/',
  'https:\\\\v16.tiktokcdn.com/',
  'https:/v16.tiktokcdn.com/',
  'https:v16.tiktokcdn.com/',
  'https:///v16.tiktokcdn.com/',
  'https://127.0.0.1#@v16.tiktokcdn.com/',
  'https://127.0.0.1?@v16.tiktokcdn.com/',
  'https://127.0.0.1%23@v16.tiktokcdn.com/',
  'https://v16.tiktokcdn.com%2eevil.example/',
  'https://v16.tiktok%63dn.com/',
  'https://127.0.0.1%00.tiktokcdn.com/',
  'https://127.0.0.1\t.tiktokcdn.com/',
  'https://v16.tiktok\ncdn.com/',
  ' https://v16.tiktokcdn.com/',
  'h\tttps://v16.tiktokcdn.com/',
  // ports and schemes
  'https://v16.tiktokcdn.com:80/',
  'https://v16.tiktokcdn.com:22/',
  'https://v16.tiktokcdn.com:8443/',
  'https://v16.tiktokcdn.com:0443/',
  'http://v16.tiktokcdn.com:80/',
  'http://v16.tiktokcdn.com:443/',
  'http://127.0.0.1/',
  'ftp://v16.tiktokcdn.com/',
  'file:///etc/passwd',
  'file://v16.tiktokcdn.com/etc/passwd',
  'data:video/mp4;base64,AAAA',
  'blob:https://v16.tiktokcdn.com/x',
  'gopher://v16.tiktokcdn.com/',
  'javascript:alert(1)',
];

/** Read by a redirect as relative to the host that sent it, or with the line break taken off: harmless there. */
const NOT_AS_LOCATION = /^\s|[\t\n]|[^\x20-\x7e]/;

let upstream: Upstream;
let proxied: MediaClient;
let direct: MediaClient;
let attempts: string[];

const RESOLVED: Record<string, string[]> = {
  'loop.tiktokcdn.com': ['127.0.0.1'],
  'mixed.tiktokcdn.com': ['93.184.216.34', '10.0.0.1'],
  'mapped.tiktokcdn.com': ['::ffff:127.0.0.1'],
  'nat64.tiktokcdn.com': ['64:ff9b::a00:1'],
  'fake-ip.tiktokcdn.com': ['198.18.0.7'],
  'nat64-fake-ip.tiktokcdn.com': ['64:ff9b::c612:7'],
  'meta.tiktokcdn.com': ['169.254.169.254'],
  'none.tiktokcdn.com': [],
  'public.tiktokcdn.com': ['93.184.216.34'],
  'public-nat64.tiktokcdn.com': ['64:ff9b::5db8:d822'],
};

beforeAll(async () => {
  upstream = await Upstream.start();
  proxied = new MediaClient({
    egresses: new Map([['e1', upstream.proxy]]),
    extraCa: [upstream.authority.caPem],
    stallTimeoutMs: 30_000,
  });
  direct = new MediaClient({
    egresses: new Map([['e1', null]]),
    stallTimeoutMs: 2000,
    resolve: async (host) => {
      return (RESOLVED[host] ?? []).map((address) => ({ address, family: net.isIP(address) }));
    },
  });
});
afterAll(async () => {
  await Promise.all([proxied.close(), direct.close()]);
  await upstream.stop();
});
beforeEach(() => {
  upstream.reset();
  attempts = [];
  const connect = net.Socket.prototype.connect;
  vi.spyOn(net.Socket.prototype, 'connect').mockImplementation(function (this: net.Socket, ...args) {
    // Emitted when an address has come out of the lookup and the system is about to be asked to connect.
    this.on('connectionAttempt', (ip) => attempts.push(ip));
    return Reflect.apply(connect, this, args);
  });
});
afterEach(() => void vi.restoreAllMocks());

function fetching(client: MediaClient, ...urls: string[]): Promise<string> {
  const source = { id: 'x', urls, cookie: 'a=b', referer: 'https://www.tiktok.com/', egress: 'e1' };
  return client.openMedia(source, { method: 'GET' }, { signal: new AbortController().signal }).then(
    ({ body }) => {
      body?.destroy();
      return 'opened';
    },
    (error) => error.code,
  );
}

describe('forbidden addresses', () => {
  it.each(VECTORS)('%j as a link: opens no connection', async (vector) => {
    expect(mediaUrl(vector)).toBeNull();
    expect(await fetching(direct, vector)).toBe('upstream_failed');
    expect(await fetching(proxied, vector)).toBe('upstream_failed');
    expect(attempts).toEqual([]);
  });

  it.each(VECTORS.filter((vector) => !NOT_AS_LOCATION.test(vector)))(
    '%j as a redirect: opens no connection',
    async (vector) => {
      upstream.script(GOOD, status(302, { location: vector }));
      expect(await fetching(proxied, `https://${GOOD}/`)).toBe('upstream_failed');
      expect(upstream.tunnels.filter((tunnel) => tunnel !== `${GOOD}:443`)).toEqual([]);
      expect(upstream.seen).toHaveLength(1);
    },
  );
});

describe('media addresses', () => {
  it.each([
    'https://v16.tiktokcdn.com/',
    'https://v16.tiktokcdn.com:443/a?b#c',
    'HTTPS://V16.TikTokCDN.com/',
    'https://tiktok.com/',
    'https://v16-webapp-prime.tiktok.com/video/tos/?a=1@2',
    'https://p16-sg-default.akamaized.net/x',
    'https://v5-dy-o-abtest.zjcdn.com/x',
  ])('%s is accepted', (link) => {
    expect(mediaUrl(link)?.protocol).toBe('https:');
  });
});

const guardOf = (resolve: Resolve) => new AddressGuard({ resolve });

describe('resolved addresses', () => {
  it.each(Object.keys(RESOLVED).filter((host) => !host.startsWith('public')))(
    '%s is not connected to',
    async (host) => {
      expect(await fetching(direct, `https://${host}/`)).toBe('upstream_failed');
      expect(attempts).toEqual([]);
    },
  );

  it.each([
    ['public.tiktokcdn.com', '93.184.216.34'],
    ['public-nat64.tiktokcdn.com', '64:ff9b::5db8:d822'],
  ])('%s is connected to at its public address', async (host, address) => {
    await fetching(direct, `https://${host}/`);
    expect(attempts).toEqual([address]);
  });

  it('are resolved once for a connection, so that rebinding has no effect', async () => {
    let calls = 0;
    const { lookup } = guardOf(async () => {
      calls += 1;
      return [{ address: calls === 1 ? '93.184.216.34' : '127.0.0.1', family: 4 }];
    });
    const look = (all: boolean) =>
      new Promise((resolve) => {
        lookup('v16.tiktokcdn.com', { all }, (error, address, family) =>
          resolve([error?.name, address, family]),
        );
      });
    expect(await look(false)).toEqual([undefined, '93.184.216.34', 4]);
    expect(calls).toBe(1);
    expect(await look(true)).toEqual(['ForbiddenAddressError', [], undefined]);
  });

  it('are all returned when all are public', async () => {
    const addresses = [
      { address: '93.184.216.34', family: 4 },
      { address: '2606:2800:220:1::1', family: 6 },
    ];
    const { lookup } = guardOf(async () => addresses);
    const got = await new Promise((resolve) => {
      lookup('x.tiktok.com', { all: true }, (error, list) => resolve(error ?? list));
    });
    expect(got).toEqual(addresses);
  });

  it('fail with the error of the resolver', async () => {
    const { lookup } = guardOf(() => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' })));
    const got = await new Promise((resolve) => {
      lookup('x.tiktok.com', {}, (error) => resolve(error?.code));
    });
    expect(got).toBe('ENOTFOUND');
  });

  it.each([
    ...['0.0.0.0', '0.1.2.3', '10.1.2.3', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254'],
    ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.2.1', '192.88.99.1'],
    ...['192.168.1.1', '198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.1', '224.0.0.1'],
    ...['239.255.255.255', '240.0.0.1', '255.255.255.255', '0x7f.1', '127.1', '2130706433', '010.8.8.8', ''],
    ...['::', '::1', '::ffff:8.8.8.8', '::ffff:10.0.0.1', '::8.8.8.8', '::ffff:0:808:808'],
    // NAT64 of private addresses, of a fake-IP pool, and of another prefix
    ...['64:ff9b::a00:1', '64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b::c612:1', '64:ff9b::'],
    ...[
      '64:ff9b:1::808:808',
      '64:ff9b:1::1',
      '100::1',
      '2001::1',
      '2001:2::1',
      '2001:10::1',
      '2001:20::1',
      '2001:db8::1',
    ],
    ...['2002:808:808::1', '3fff::1', '5f00::1', 'fc00::1', 'fdff::1', 'fe80::1', 'fe80::1%eth0', 'fec0::1'],
    ...['ff02::1', '4000::1', '2606:2800::1%lo', 'tiktok.com'],
    // imgproxy's table: ranges with their ends, and IPv4 addresses inside IPv6 ones
    ...['192.168.1.1', '100.64.0.0', '127.0.0.254', '169.254.0.1', 'fd00::1', '::10.0.0.1', '::100.64.0.1'],
    ...['2002:a00:1::', '2002:6440:1::', '2002:c0a8:1::', '64:ff9b::10.0.0.1', '64:ff9b::100.64.0.1'],
    ...['64:ff9b:1:a00:0:100::', '64:ff9b:1:c0a8:1:100::', '2001::f5ff:fffe', '2001::f7f7:f7f7'],
    ...['2001:db8::5efe:a00:1', '2600::5efe:a00:1', '2600::200:5efe:c0a8:101'],
  ])('%s is not public', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each([
    '8.8.8.8',
    '93.184.216.34',
    '172.32.0.1',
    '100.128.0.1',
    '2606:2800:220:1::1',
    '2a00:1450::1',
    '64:ff9b::8.8.8.8',
    '64:ff9b::808:808',
    '64:ff9b::5db8:d822',
    '100.63.255.255',
    '100.128.0.0',
    '2001:4860:4860::8888',
    // Not ISATAP's: another u bit, another place.
    '2600::100:5efe:808:808',
    '2600::5efe:0:a00:1',
  ])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

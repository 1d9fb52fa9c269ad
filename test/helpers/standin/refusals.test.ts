/** TikTok's refusals: their form, and which requests get them. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { capture, hasCaptures } from './captures.ts';
import { REFUSAL_KINDS, type RefusalKind, type Standin, startStandin, videoPost } from './index.ts';
import { AGENTS, type Probe, ProbeClient } from './probe.ts';

let standin: Standin;
let client: ProbeClient;

beforeAll(async () => {
  standin = await startStandin({ extraProxies: 1 });
  client = new ProbeClient(standin);
});

afterEach(() => standin.refusals.clear());

afterAll(async () => {
  await client.close();
  await standin.close();
});

const URL_OF = {
  page: (id: string) => `https://www.tiktok.com/@someone/video/${id}`,
  player: (id: string) => `https://www.tiktok.com/player/api/v1/items?item_ids=${id}`,
  embed: (id: string) => `https://www.tiktok.com/embed/v2/${id}`,
  oembed: (id: string) => `https://www.tiktok.com/oembed?url=https://www.tiktok.com/@_/video/${id}`,
};

const DESKTOP = { 'user-agent': AGENTS.chrome(150) };

function isRefused({ text, status }: Probe): boolean {
  return status !== 200 || text.includes('Site Maintenance');
}

describe('a refusal', () => {
  const cases: [RefusalKind, number, Record<string, string>, number | null, RegExp][] = [
    ['maintenance', 200, { 'x-tt-system-error': '3' }, 600, /Site Maintenance/],
    ['challenge-again', 200, { 'x-tt-system-error': '3' }, null, /_wafchallengeid.*|Please wait\.\.\./],
    ['shell', 200, {}, 11_000, /pumbaa-rule.*tiktok-environment/],
    ['page-without-post', 200, {}, null, /__UNIVERSAL_DATA_FOR_REHYDRATION__/],
    ['captcha', 200, {}, 5546, /<title>Security Check<\/title>/],
    ['403', 403, {}, null, /Access Denied/],
    ['429', 429, { server: 'TLB' }, null, /^ratelimit triggered$/],
    ['444', 444, { 'x-tt-system-error': '3' }, 115, /^Access Denied/],
    ['503', 503, {}, null, /^overload-protect triggered$/],
    [
      'login-redirect',
      302,
      { location: 'https://www.tiktok.com/login?lang=en&enter_method=redirect' },
      0,
      /^$/,
    ],
    ['country-hk', 302, { location: 'https://www.tiktok.com/hk/notfound' }, 0, /^$/],
    ['country-in', 302, { location: 'https://www.tiktok.com/in/about' }, 0, /^$/],
    ['10101', 200, {}, null, /"webapp.video-detail":{"statusCode":10101,"statusMsg":""}/],
    ['100004', 200, {}, null, /"webapp.video-detail":{"statusCode":100004,"statusMsg":""}/],
    ['empty-200', 200, { tt_orcas_res: '1' }, 0, /^$/],
    ['error-page', 200, { 'x-tt-system-error': '3' }, 2397, /Error/],
    ['argus', 403, {}, null, /^Blocked by ArgusSecurityPlugin Uifid Not Found$/],
    ['js-challenge', 200, {}, 72_914, /byted_acrawler/],
    ['api_busy', 200, {}, null, /"code":"api_busy"/],
  ];

  it.each(cases)(
    '%s has the status, headers, size and words of the record',
    async (kind, status, headers, size, words) => {
      standin.refusals.add({ source: 'page', kind });
      const answer = await client.get(URL_OF.page(videoPost().id), DESKTOP);
      expect([answer.status, answer.headers]).toMatchObject([status, headers]);
      expect(answer.text).toMatch(words);
      if (size !== null) expect(Math.abs(answer.body.length - size)).toBeLessThan(4);
    },
  );

  it('has a case here for each of its kinds', () => {
    const elsewhere: RefusalKind[] = ['timeout', 'reset', 'login-redirect-with-post'];
    expect([...cases.map(([kind]) => kind), ...elsewhere].sort()).toEqual([...REFUSAL_KINDS].sort());
  });

  it('leads to the login with the address of the post in it', async () => {
    standin.refusals.add({ kind: 'login-redirect-with-post' });
    const url = URL_OF.page(videoPost().id);
    const { headers } = await client.get(url, DESKTOP);
    const login = new URL(String(headers.location));
    expect([login.pathname, login.searchParams.get('redirect_url')]).toEqual(['/login', url]);
  });

  it('hangs or resets the connection', async () => {
    standin.refusals.add({ source: 'page', kind: 'timeout', times: 1 });
    standin.refusals.add({ source: 'page', kind: 'reset' });
    const url = URL_OF.page(videoPost().id);
    await expect(client.get(url, DESKTOP, { timeoutMs: 100 })).rejects.toThrow(/abort|timeout/i);
    await expect(client.get(url, DESKTOP)).rejects.toThrow(/socket|reset|closed/i);
  });

  it('has the other shell and the other status key for a phone', async () => {
    const phone = { 'user-agent': AGENTS.iphone };
    const url = URL_OF.page(videoPost().id);
    standin.refusals.add({ source: 'mobile', kind: 'shell', times: 1 });
    standin.refusals.add({ source: 'mobile', kind: '100004' });
    expect(Math.abs((await client.get(url, phone)).body.length - 66_991)).toBeLessThan(4);
    expect((await client.get(url, phone)).text).toContain('"statusCode":100004,"statusMessage":""');
  });

  it('leads a country that TikTok does not serve to a page that says so', async () => {
    expect((await client.get('https://www.tiktok.com/hk/notfound')).text).toContain('Hong Kong');
    expect((await client.get('https://www.tiktok.com/in/about')).text).toContain('59 apps');
  });

  it.skipIf(!hasCaptures)('has the marks of the captured pages', () => {
    expect(capture('sources/refusals/tiktok-security-check-2026-04-15.html')).toContain(
      '<title>Security Check</title>',
    );
    const shell = capture('sources/refusals/tiktok-mobile-bare-shell-2026-01-31.html');
    expect([
      Buffer.byteLength(shell),
      shell.includes('pumbaa-rule'),
      shell.includes('tiktok-environment'),
    ]).toEqual([66_991, true, true]);
    expect(shell).not.toContain('__UNIVERSAL_DATA_FOR_REHYDRATION__');
    const challenge = capture('sources/refusals/douyin-js-challenge-2026-01-31.html');
    expect([Buffer.byteLength(challenge), challenge.includes('byted_acrawler')]).toEqual([72_914, true]);
  });
});

describe('refusals', () => {
  it('are for one source, and leave the others', async () => {
    standin.refusals.add({ source: ['page', 'mobile'], kind: 'maintenance' });
    const { id } = standin.posts.add(videoPost());
    const asked = [
      await client.get(URL_OF.page(id), DESKTOP),
      await client.get(URL_OF.page(id), { 'user-agent': AGENTS.iphone }),
      await client.get(URL_OF.player(id)),
      await client.get(URL_OF.embed(id)),
      await client.get(URL_OF.oembed(id)),
    ];
    expect(asked.map(isRefused)).toEqual([true, true, false, false, false]);
  });

  it('are for every source of TikTok and its short links where none is named', async () => {
    standin.refusals.add({ kind: 'country-hk' });
    const post = standin.posts.add(videoPost());
    const urls = [...Object.values(URL_OF).map((url) => url(post.id)), standin.shortLinks.add(post).url];
    for (const url of urls) {
      const { headers } = await client.get(url, DESKTOP);
      expect([url, headers.location]).toEqual([url, 'https://www.tiktok.com/hk/notfound']);
    }
  });

  it('are for one egress: a proxy port or a user of the proxy', async () => {
    standin.refusals.add({ source: 'page', kind: '403', egress: 1 });
    standin.refusals.add({ source: 'page', kind: '429', egress: 'alice' });
    const url = URL_OF.page(standin.posts.add(videoPost()).id);
    const codes: number[] = [];
    for (const egress of [0, 1, 'alice', 'bob'])
      codes.push((await client.get(url, DESKTOP, { egress })).status);
    expect(codes).toEqual([200, 403, 429, 200]);
  });

  it('are for one post, for a User-Agent, and for so many times', async () => {
    const post = standin.posts.add(videoPost());
    const other = standin.posts.add(videoPost());
    const rule = standin.refusals.add({
      source: 'page',
      kind: '403',
      post,
      userAgent: /Chrome\/150/,
      times: 2,
    });
    const codes: number[] = [];
    for (const [id, version] of [
      [other.id, 150],
      [post.id, 146],
      [post.id, 150],
      [post.id, 150],
      [post.id, 150],
    ] as const) {
      codes.push((await client.get(URL_OF.page(id), { 'user-agent': AGENTS.chrome(version) })).status);
    }
    expect(codes).toEqual([200, 200, 403, 403, 200]);
    expect(rule.hits).toBe(2);
  });

  it('are a behaviour of a post: of its pages, or of every source', async () => {
    const pages = standin.posts.add(videoPost({ behaviour: { refusal: 'maintenance' } }));
    const all = standin.posts.add(videoPost({ behaviour: { refusal: '503', sources: 'all' } }));
    const refused: boolean[] = [];
    for (const { id } of [pages, all]) {
      for (const url of [URL_OF.page, URL_OF.player, URL_OF.embed]) {
        refused.push(isRefused(await client.get(url(id), DESKTOP)));
      }
    }
    expect(refused).toEqual([true, false, false, true, true, true]);
  });
});

it('refuses a range of Chrome versions at one egress, and no other browser', async () => {
  const lift = standin.refuseBrowsers({ from: 140, to: 149, egress: 0 });
  const url = URL_OF.page(standin.posts.add(videoPost()).id);
  const edge = `${AGENTS.chrome(145)} Edg/145.0.0.0`;
  const opera = `${AGENTS.chrome(145)} OPR/118.0.0.0`;
  const agents = [139, 140, 149, 150].map((version) => AGENTS.chrome(version));
  const refused: boolean[] = [];
  for (const agent of [...agents, AGENTS.firefox, AGENTS.iphone, edge, opera]) {
    refused.push(isRefused(await client.get(url, { 'user-agent': agent })));
  }
  expect(refused).toEqual([false, true, true, false, false, false, false, false]);
  const chrome = { 'user-agent': AGENTS.chrome(145) };
  expect(isRefused(await client.get(url, chrome, { egress: 1 }))).toBe(false);
  lift();
  expect(isRefused(await client.get(url, chrome))).toBe(false);
});

import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Standin, startStandin, videoPost } from './index.ts';
import { AGENTS, ProbeClient } from './probe.ts';

let standin: Standin;
let client: ProbeClient;

beforeAll(async () => {
  standin = await startStandin();
  client = new ProbeClient(standin);
});

afterAll(async () => {
  await client.close();
  await standin.close();
});

const BOT = { 'user-agent': 'facebookexternalhit/1.1' };
const BROWSER = { 'user-agent': AGENTS.chrome(150) };

it('comes back unresolved for browsers, and resolved for others, where told to', async () => {
  const { url } = standin.shortLinks.add(standin.posts.add(videoPost()), { unresolved: 'browsers' });
  const [browser, bot] = [await client.get(url, BROWSER), await client.get(url, BOT)];
  expect([browser.status, browser.headers.location]).toEqual([200, undefined]);
  expect([bot.status, bot.headers.location]).toEqual([301, expect.stringContaining('/video/')]);
});

it('comes back unresolved for everybody where told to', async () => {
  const { vt } = standin.shortLinks.add(standin.posts.add(videoPost()), { unresolved: 'everybody' });
  const codes = [(await client.get(vt, BROWSER)).status, (await client.get(vt, BOT)).status];
  expect(codes).toEqual([200, 200]);
});

it.each([
  ['profile', '/@someone'],
  ['live', '/@someone/live'],
  ['shop', '/view/product/1729401234567890123'],
  ['sound', '/music/original-sound-7000000000000000007'],
  ['login', '/login'],
] as const)('leads to a %s', async (kind, path) => {
  const { headers } = await client.get(standin.shortLinks.addElsewhere(kind).url, BOT);
  const target = new URL(String(headers.location));
  expect([target.hostname, target.pathname]).toEqual(['www.tiktok.com', path]);
  expect((await client.get(target.href, BROWSER)).status).toBe(200);
});

it('leads to the login with the address of the post in it', async () => {
  const post = standin.posts.add(videoPost());
  const { headers } = await client.get(standin.shortLinks.addElsewhere('login', { post }).url, BOT);
  expect(new URL(String(headers.location)).searchParams.get('redirect_url')).toBe(post.url);
});

it('answers 429 while the short-link host refuses an egress, and the page still answers', async () => {
  const post = standin.posts.add(videoPost());
  const { url } = standin.shortLinks.add(post);
  const rule = standin.refusals.add({ source: 'short', kind: '429' });
  expect([(await client.get(url, BOT)).status, (await client.get(post.url, BROWSER)).status]).toEqual([
    429, 200,
  ]);
  rule.remove();
});

it('is known on lite.tiktok.com, and t.tiktok.com leads to the post', async () => {
  const post = standin.posts.add(videoPost());
  const { code } = standin.shortLinks.add(post);
  const lite = await client.get(`https://lite.tiktok.com/t/${code}/`, BOT);
  const share = await client.get(`https://t.tiktok.com/i18n/share/video/${post.id}/`, BOT);
  for (const { headers } of [lite, share]) {
    expect(headers.location).toContain(`https://www.tiktok.com/@${post.user}/video/${post.id}`);
  }
});

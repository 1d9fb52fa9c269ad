import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adviceFor } from '../../scripts/doctor/live/advice.mjs';
import { blotOut } from '../../scripts/doctor/live/blot.mjs';
import { checkLive } from '../../scripts/doctor/live/live.mjs';
import type { SourceCheck } from '../../src/extraction/index.ts';
import { engine } from '../helpers/engine.ts';
import { photoPost, type Standin, scenario, startStandin, videoPost } from '../helpers/standin/index.ts';

const ROOT = join(import.meta.dirname, '../..');
const OWN_COOKIE = 'a5e0c9d4711b4f6e9d2c7a1b3e5f7081';
const CLIENT_ADDRESS = '203.0.113.77';

describe.skipIf(!engine.impersonation)('npm run doctor -- LINK…', () => {
  let standin: Standin;
  let folder: string;

  beforeAll(async () => {
    standin = await startStandin();
    folder = mkdtempSync(join(tmpdir(), 'doctor-live-'));
  });

  afterAll(async () => {
    await standin.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function run(links: readonly string[], options: { saveDir?: string; paceMs?: number } = {}) {
    const cookies = join(folder, 'cookies.txt');
    const line = `.tiktok.com\tTRUE\t/\tTRUE\t0\tsessionid\t${OWN_COOKIE}`;
    writeFileSync(cookies, `# Netscape HTTP Cookie File\n${line}\n`);
    const env = { PROXY_URLS: standin.proxyUrl, EXTRA_CA_CERTS: standin.caFile, COOKIES_PATH: cookies };
    let output = '';
    const write = (text: string) => {
      output += text;
    };
    const { saveDir = null, paceMs = 0 } = options;
    const exitCode = await checkLive(ROOT, env, { links, saveDir, write, paceMs });
    return { exitCode, output };
  }

  /** Lines of a post's tables that begin with a name, without padding. */
  function linesOf(output: string, id: string, name: string): string[] {
    const part = output.split(/\n(?=tiktok |douyin )/).find((one) => one.startsWith(`tiktok ${id}\n`)) ?? '';
    const lines = part.split('\n').map((line) => line.trim().replace(/ {2,}/g, ' | '));
    return lines.filter((line) => line.replace('proxy 1 | ', '').startsWith(name));
  }

  it('prints what each source gave and opens the files; saves nothing that belongs to the client', async () => {
    const video = standin.posts.add(videoPost({ desc: `seen from ${CLIENT_ADDRESS}` }));
    const photos = standin.posts.add(photoPost({ photos: 2 }));
    const refused = scenario('pages refused: maintenance').url;
    const refusedId = refused.split('/').at(-1) ?? '';
    const saveDir = join(folder, 'saved');
    const { exitCode, output } = await run([video.url, photos.url, refused], { saveDir });
    expect(exitCode).toBe(0);

    const pages = linesOf(output, video.id, 'page');
    expect(pages.length).toBeGreaterThan(3);
    for (const line of pages) {
      expect(line).toMatch(/^proxy 1 \| page \| \w+-[\d.]+:\S+ \| 200 \| \d+ \| post \| h264_\w+, h265_\w+/);
    }
    expect(linesOf(output, video.id, 'player')[0]).toMatch(/ \| 200 \| \d+ \| post \| h264_/);
    expect(linesOf(output, video.id, 'embed')[0]).toContain('post | a file that may have a watermark');
    expect(linesOf(output, video.id, 'oembed')[0]).toMatch(/ \| exists$/);
    expect(linesOf(output, video.id, 'h264')[0]).toMatch(/ \| 206 \| video\/mp4 \| \d+ \| yes$/);
    expect(linesOf(output, video.id, 'mp3')[0]).toMatch(/ \| 206 \| audio\/mpeg \| \d+ \| yes$/);

    expect(linesOf(output, photos.id, 'mobile')[0]).toContain('post | 2 photos');
    expect(linesOf(output, photos.id, 'photo 2 of 2')[0]).toMatch(/ \| 206 \| image\/\w+ \| \d+ \| yes$/);
    expect(linesOf(output, photos.id, 'slideshow')[0]).toMatch(/ \| 206 \| video\/mp4 \| \d+ \| yes$/);

    for (const line of linesOf(output, refusedId, 'page')) {
      expect(line).toContain(
        '200 | 600 | x-tt-system-error: 3 | refused (maintenance page) | Site Maintenance',
      );
    }
    expect(output).toContain('files by player (proxy 1)');
    expect(output).toMatch(/\nTikTok: best by player \(proxy 1\), 3 of 3 links\. Nothing to set\.\n$/);

    const saved = readdirSync(saveDir).map((name) => ({
      name,
      text: readFileSync(join(saveDir, name), 'utf8'),
    }));
    const manifest = JSON.parse(saved.find(({ name }) => name === 'manifest.json')?.text ?? '');
    expect(manifest.responses).toHaveLength(output.match(/^ {2}proxy 1 /gm)?.length ?? 0);
    expect(saved).toHaveLength(manifest.responses.length + 1);
    const all = saved.map(({ text }) => text).join('\n');
    for (const secret of secretsOf(standin)) expect(all).not.toContain(secret);
    expect(all).not.toMatch(/203\.0\.113\.77|127\.0\.0\.1/);
    // What a reader needs stays.
    const page = saved.find(({ name }) => name.includes(`${video.id}.page.`))?.text ?? '';
    expect(page).toMatch(/https:(?:\/|\\u002F){2}v\d+-webapp-prime\.tiktok\.com(?:\/|\\u002F)video/);
    expect(page).toContain('tk=tt_chain_token');
    const player = saved.find(({ name }) => name.includes(`${video.id}.player.`))?.text ?? '';
    expect(player).toContain(`"id":${video.id}`);
    expect(JSON.parse(player).items[0].id_str).toBe(video.id);
  });

  it('asks Douyin every way, registers one ttwid, and waits between two tries', async () => {
    const post = standin.posts.add(videoPost({ platform: 'douyin', behaviour: 'blind' }));
    const before = standin.requests.length;
    const started = Date.now();
    const { output } = await run([post.url, post.url], { paceMs: 50 });
    const asked = standin.requests.slice(before).filter(({ kind }) => kind === 'page');
    expect(output.match(/ ttwid /g)).toHaveLength(1);
    for (const source of ['detail', 'web', 'slides', 'share', 'feed'])
      expect(output).toContain(`douyin-${source} `);
    expect(Date.now() - started).toBeGreaterThan((asked.length - 1) * 50 * 0.9);
  });
});

/** Signatures, cookies and ids of requests that the stand-in gave out. */
function secretsOf(standin: Standin): string[] {
  const links = standin.requests.map(({ url }) => new URL(url));
  const parameters = links.flatMap(({ searchParams }) =>
    ['signature', 'x-signature', 'signaturev3', 'l', 'btag'].flatMap((name) => searchParams.get(name) ?? []),
  );
  const inPath = links.flatMap(({ pathname }) => /^\/([0-9a-f]{32})\//.exec(pathname)?.[1] ?? []);
  const cookies = standin.requests.flatMap(({ headers }) =>
    (headers.cookie ?? '').split('; ').map((pair) => pair.slice(pair.indexOf('=') + 1)),
  );
  const found = [OWN_COOKIE, ...parameters, ...inPath, ...cookies].filter(({ length }) => length >= 9);
  expect(found.length).toBeGreaterThan(20);
  return [...new Set(found)];
}

describe('blotOut()', () => {
  it.each([
    [
      '?expire=1700000000&signature=0a1b2c3d&tk=tt_chain_token',
      '?expire=1700000000&signature=1x1x1x1x&tk=tt_chain_token',
    ],
    [
      String.raw`?a=1988\u0026x-signature=aB%2Bc%3D\u0026l=2026`,
      String.raw`?a=1988\u0026x-signature=xx%2Bx%3D\u0026l=1111`,
    ],
    [
      '"redirect_url=https%3A%2F%2Fa.test%3Fitem_id%3D7%26token%3Dabcd"',
      '"redirect_url=https%3A%2F%2Fa.test%3Fitem_id%3D7%26token%3Dxxxx"',
    ],
    [
      'https://v19.tiktokcdn.com/0123456789abcdef0123456789abcdef/6a000000/video/',
      `https://v19.tiktokcdn.com/${'0'.repeat(32)}/6a000000/video/`,
    ],
    ['"logid":"20261010123456ABCDEF0123456789ABCD"', '"logid":"11111111111111xxxxxx1111111111xxxx"'],
    [
      '{"csrfToken":"aB3-xy","webId":7123456789,"isToken":true}',
      '{"csrfToken":"xx1-xx","webId":1111111111,"isToken":true}',
    ],
    ['"signature":"I sing and dance in the rain"', '"signature":"I sing and dance in the rain"'],
    [
      'from 192.0.2.7 and 2001:db8::7, version 1.2.3, at 12:34:56',
      'from 0.0.0.0 and ::, version 1.2.3, at 12:34:56',
    ],
    [
      '{"webapp.app-context":{"user":{"uid":"1 } 2"}},"id":"7400000000000000001"}',
      '{"webapp.app-context":{},"id":"7400000000000000001"}',
    ],
    ['known: my+secret/value=', 'known: xx+xxxxxx/xxxxx='],
  ])('blots %s', (text, expected) => {
    expect(blotOut(text, ['my+secret/value='])).toBe(expected);
  });
});

describe('the last line', () => {
  const row = (changes: Partial<SourceCheck>): SourceCheck => ({
    ref: { platform: 'tiktok', id: '1' },
    egress: 'direct',
    source: 'page',
    target: 'chrome-1',
    answer: null,
    raw: null,
    kind: 'post',
    detail: '',
    post: null,
    ...changes,
  });
  const refused = row({ kind: 'refused', detail: '(maintenance page)' });

  it.each([
    [
      'a browser that passes is enough',
      [refused, row({})],
      /^TikTok: best by page as chrome-1 .*Nothing to set\.$/,
    ],
    [
      'another egress where the page is refused',
      [refused, row({ source: 'player' })],
      /best by player .*PROXY_URLS for direct/,
    ],
    [
      'a network where nothing answers',
      [row({ kind: 'failed' })],
      /no source answers\. Set: a working network/,
    ],
    ['an engine update where a page cannot be read', [row({ kind: 'unreadable' })], /engine:update/],
    [
      'cookies where a login is required',
      [row({ kind: 'withheld', detail: 'login_required' })],
      /COOKIES_PATH, for posts/,
    ],
    [
      'another country',
      [row({ kind: 'refused', detail: '(country not served)' })],
      /in a country that TikTok serves/,
    ],
  ])('says: %s', (_, rows, expected) => {
    expect(adviceFor('tiktok', rows).trim()).toMatch(expected);
    expect(adviceFor('douyin', rows)).toBe('');
  });
});

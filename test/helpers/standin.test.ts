import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Dispatcher, ProxyAgent, request } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { engine, solvesChallenge } from './engine.ts';
import {
  type AssetPart,
  type Fault,
  photoPost,
  SCENARIOS,
  SOURCE_SCENARIOS,
  type Standin,
  type StandinPost,
  scenario,
  startStandin,
  statusPost,
  videoPost,
} from './standin/index.ts';

const run = promisify(execFile);
const extractor = fileURLToPath(new URL('./standin/extract.py', import.meta.url));

interface Extracted {
  id: string;
  title: string;
  uploader: string;
  view_count: number;
  formats: Array<{ format_id: string; url: string; filesize?: number; ext: string; acodec: string }>;
  subtitles: Record<string, Array<{ url: string; ext: string }>>;
  cookie: string;
  error?: string;
}

let standin: Standin;
let agent: ProxyAgent;

beforeAll(async () => {
  standin = await startStandin({ extraProxies: 1 });
  agent = agentFor(standin.proxyUrl);
}, 60_000);

afterEach(() => {
  standin.faults.clear();
});

afterAll(async () => {
  await agent.close();
  await standin.close();
});

function agentFor(uri: string): ProxyAgent {
  return new ProxyAgent({ uri, requestTls: { ca: standin.caPem } });
}

function get(
  url: string,
  headers: Record<string, string> = {},
  dispatcher: Dispatcher = agent,
  method = 'GET',
) {
  return request(url, { dispatcher, headers, method: method as 'GET' | 'HEAD' });
}

async function sha256(url: string, headers: Record<string, string>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of (await get(url, headers)).body) hash.update(chunk);
  return hash.digest('hex');
}

interface Page {
  status: number;
  body: string;
  cookie: string;
  detail: { statusCode: number; statusMsg: string; itemInfo: { itemStruct: Item } } | undefined;
}

interface Item {
  createTime: string;
  video: {
    playAddr: string;
    downloadAddr: string;
    subtitleInfos: Array<{ Url: string }>;
    bitrateInfo: Array<{ PlayAddr: { UrlList: string[]; DataSize: string } }>;
  };
  music?: { playUrl: string };
  author: { avatarThumb: string };
  imagePost?: { images: Array<{ imageURL: { urlList: string[] } }> };
}

/** Reads a page as a browser would, with a new visitor's cookie unless one is given. */
async function readPage(url: string, headers: Record<string, string> = {}): Promise<Page> {
  const response = await get(url, headers);
  const body = await response.body.text();
  const set = [response.headers['set-cookie'] ?? []].flat().join('\n');
  const json = /<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__"[^>]*>(.*?)<\/script>/s.exec(body)?.[1];
  const scope = json === undefined ? {} : JSON.parse(json).__DEFAULT_SCOPE__;
  const cookie = /tt_chain_token=([^;]*)/.exec(set)?.[1] ?? '';
  return { status: response.statusCode, body, cookie, detail: scope['webapp.video-detail'] };
}

async function readItem(post: StandinPost): Promise<{ item: Item; headers: Record<string, string> }> {
  const page = await readPage(`https://www.tiktok.com/@${post.user}/video/${post.id}`);
  const item = page.detail?.itemInfo.itemStruct;
  if (item === undefined) throw new Error('The page has no item');
  const headers = { cookie: `tt_chain_token=${page.cookie}`, referer: 'https://www.tiktok.com/' };
  return { item, headers };
}

describe('pages', () => {
  it('write a video as the desktop site does', async () => {
    const { item } = await readItem(standin.posts.add(videoPost()));
    expect(item.createTime).toMatch(/^\d{10}$/);
    expect(item.video.bitrateInfo).toHaveLength(6);
    for (const { PlayAddr } of item.video.bitrateInfo) {
      expect(PlayAddr.UrlList).toHaveLength(3);
      const [v16, v19] = PlayAddr.UrlList.map((url) => new URL(url));
      expect([v16?.hostname, v19?.hostname]).toEqual([
        'v16-webapp-prime.tiktok.com',
        'v19-webapp-prime.tiktok.com',
      ]);
      expect(v16?.pathname + (v16?.search ?? '')).toBe(v19?.pathname + (v19?.search ?? ''));
    }
    expect(item.video.bitrateInfo[4]?.PlayAddr.UrlList[0]).toContain('/media-video-hvc1/?');
  });

  it('are as long as asked and hold nothing that could end their script', async () => {
    const post = standin.posts.add(videoPost({ desc: 'a </script> b\u2028"' }));
    const page = await readPage(post.url);
    expect(page.body.length).toBeGreaterThan(230_000);
    expect(page.body.length).toBeLessThan(280_000);
    expect(page.detail?.itemInfo.itemStruct).toMatchObject({ desc: 'a </script> b\u2028"' });
  });

  it('give a new token unless the visitor has one from here', async () => {
    const post = standin.posts.add(videoPost());
    const first = await readPage(post.url);
    expect(first.cookie).toMatch(/^[\w+/]{22}==$/);
    const second = await readPage(post.url, { cookie: `tt_chain_token=${first.cookie}` });
    expect(second.cookie).toBe('');
    const third = await readPage(post.url, { cookie: 'tt_chain_token=bm90IG9uZSBvZiBvdXJzIQ==' });
    expect(third.cookie).not.toBe('');
  });

  it('know 10204 by its message, and unknown ids', async () => {
    const post = standin.posts.add(statusPost(10_204, 'item_privacy_authorization&status_deleted'));
    expect((await readPage(post.url)).detail).toEqual({
      statusCode: 10_204,
      statusMsg: 'item_privacy_authorization&status_deleted',
    });
    const nobody = await readPage('https://www.tiktok.com/@x/video/7000000000000000009');
    expect(nobody.detail?.statusMsg).toBe("item doesn't exist");
  });

  it('have no item at a /photo/ address, and the images at /video/', async () => {
    const post = standin.posts.add(photoPost({ photos: 35 }));
    expect((await readPage(post.url)).detail).toBeUndefined();
    const { item } = await readItem(post);
    expect(item.imagePost?.images).toHaveLength(35);
  });

  it('send the login wall to /login and a blocked address away', async () => {
    const wall = await get(scenario('login wall').url);
    expect(wall.statusCode).toBe(302);
    expect(new URL(String(wall.headers.location)).pathname).toBe('/login');
    await wall.body.dump();
    const unblock = standin.block({ identity: 'alice' });
    const alice = agentFor(standin.proxyUrlFor('alice'));
    const bob = agentFor(standin.proxyUrlFor('bob', 1));
    const post = standin.posts.add(videoPost());
    const codes = [];
    for (const dispatcher of [alice, bob]) {
      const response = await get(post.url, {}, dispatcher);
      codes.push(response.statusCode);
      await response.body.dump();
    }
    unblock();
    await Promise.all([alice.close(), bob.close()]);
    expect(codes).toEqual([403, 200]);
    expect(standin.journal.find({ postId: post.id }).map((entry) => [entry.identity, entry.proxy])).toEqual([
      ['alice', 0],
      ['bob', 1],
    ]);
  });
});

describe('short links', () => {
  it.each(['GET', 'HEAD'])('redirect for %s', async (method) => {
    const link = scenario('short link');
    const response = await get(link.url, {}, agent, method);
    expect(response.statusCode).toBe(301);
    expect(response.headers.location).toMatch(/^https:\/\/www\.tiktok\.com\/@standin\/video\/\d{19}\?_t=/);
    const body = await response.body.text();
    expect(body).toBe(
      method === 'HEAD'
        ? ''
        : `<a href="${String(response.headers.location).replaceAll('&', '&amp;')}">Moved Permanently</a>.\n\n`,
    );
  });

  it('hop, leave the user out, and die', async () => {
    const hops = standin.shortLinks.add(standin.posts.add(videoPost()), { hops: 2, form: 'no-user' });
    let url = hops.t;
    const hosts = [];
    for (let hop = 0; hop < 3; hop += 1) {
      const response = await get(url);
      await response.body.dump();
      url = String(response.headers.location);
      hosts.push(new URL(url).host);
    }
    expect(hosts).toEqual(['vt.tiktok.com', 'vt.tiktok.com', 'www.tiktok.com']);
    expect(url).toContain('/@/video/');
    const dead = await get(scenario('dead short link').url);
    expect(dead.headers.location).toBe('https://www.tiktok.com/?_r=1');
    await dead.body.dump();
  });
});

describe('the CDN', () => {
  it('wants the very cookie of the page, bare, and a referer', async () => {
    const { item, headers } = await readItem(standin.posts.add(videoPost()));
    const other = await readItem(standin.posts.add(videoPost()));
    const url = item.video.playAddr;
    const token = headers.cookie?.slice('tt_chain_token='.length);
    const attempts: Array<[Record<string, string>, string | null]> = [
      [{ referer: 'https://www.tiktok.com/' }, 'no-cookie'],
      [{ ...headers, cookie: `tt_chain_token="${token}"` }, 'quoted-cookie'],
      [{ ...headers, cookie: other.headers.cookie ?? '' }, 'other-cookie'],
      [{ cookie: headers.cookie ?? '' }, 'no-referer'],
      [{ ...headers, referer: 'https://tiktok.com.evil.example/' }, 'no-referer'],
      [headers, null],
    ];
    standin.journal.clear();
    for (const [given] of attempts) await (await get(url, given)).body.dump();
    expect(standin.requests.map((entry) => entry.refusal)).toEqual(attempts.map(([, refusal]) => refusal));
    expect(standin.requests.map((entry) => entry.status)).toEqual([403, 403, 403, 403, 403, 200]);
  });

  it('refuses tampered links and links past their expiry', async () => {
    const brief = standin.posts.add(videoPost({ mediaLife: -1 }));
    const post = standin.posts.add(videoPost());
    const { item, headers } = await readItem(post);
    const expired = await readItem(brief);
    const later = item.video.playAddr.replace(/expire=\d+/, 'expire=9999999999');
    const photos = await readItem(standin.posts.add(photoPost()));
    const image = photos.item.imagePost?.images[0]?.imageURL.urlList[0] ?? '';
    const codes = async (urls: Array<[string, Record<string, string>]>) => {
      const all = [];
      for (const [url, given] of urls) {
        const response = await get(url, given);
        await response.body.dump();
        all.push(response.statusCode);
      }
      return all;
    };
    expect(await codes([[expired.item.video.playAddr, expired.headers]])).toEqual([403]);
    expect(await codes([[later, headers]])).toEqual([403]);
    expect(
      await codes([
        [item.video.playAddr, headers],
        [image, {}],
        [item.music?.playUrl ?? '', {}],
      ]),
    ).toEqual([200, 200, 200]);
    expect(await codes([[image.replace('p77', 'p16'), {}]])).toEqual([403]);
    standin.expireNow(post);
    expect(
      await codes([
        [item.video.playAddr, headers],
        [item.music?.playUrl ?? '', {}],
        [image, {}],
      ]),
    ).toEqual([403, 403, 200]);
    const again = await readItem(post);
    expect(await codes([[again.item.video.playAddr, again.headers]])).toEqual([200]);
  });

  it('has other bytes for every file, and tells the truth about them', async () => {
    const post = standin.posts.add(videoPost());
    const { item, headers } = await readItem(post);
    const photos = standin.posts.add(
      photoPost({ photos: ['portrait_1', 'webp', 'heic', 'cmyk', 'rotated'] }),
    );
    const gallery = await readItem(photos);
    const files: Array<[string, StandinPost, AssetPart, number]> = [
      ...item.video.bitrateInfo.map(({ PlayAddr }, index): [string, StandinPost, AssetPart, number] => [
        PlayAddr.UrlList[1] ?? '',
        post,
        'video',
        index,
      ]),
      [item.video.downloadAddr, post, 'download', 0],
      [item.music?.playUrl ?? '', post, 'music', 0],
      [item.video.subtitleInfos[0]?.Url ?? '', post, 'subtitle', 0],
      [item.author.avatarThumb, post, 'avatar', 2],
      ...(gallery.item.imagePost?.images ?? []).map(
        ({ imageURL }, index): [string, StandinPost, AssetPart, number] => [
          imageURL.urlList[1] ?? '',
          photos,
          'photo',
          index,
        ],
      ),
    ];
    const sums = new Set<string>();
    for (const [url, owner, part, index] of files) {
      const sum = await sha256(url, headers);
      expect(sum).toBe(standin.media.sha256({ post: owner, part, index }));
      expect(sum).toBe(standin.media.sha256(url));
      sums.add(sum);
    }
    expect(sums.size).toBe(files.length);
    expect(Number(item.video.bitrateInfo[0]?.PlayAddr.DataSize)).toBe(
      standin.media.content({ post, part: 'video' }).size,
    );
  });

  it('answers ranges and conditions as RFC 9110 says', async () => {
    const post = standin.posts.add(videoPost());
    const { item, headers } = await readItem(post);
    const truth = standin.media.bytes({ post, part: 'video' });
    const { etag, modified, size } = standin.media.content({ post, part: 'video' });
    const ask = async (more: Record<string, string>, method = 'GET') => {
      const response = await get(item.video.playAddr, { ...headers, ...more }, agent, method);
      return { response, body: Buffer.from(await response.body.arrayBuffer()) };
    };
    const cases: Array<[Record<string, string>, number, Buffer, string | undefined]> = [
      [{ range: 'bytes=10-19' }, 206, truth.subarray(10, 20), `bytes 10-19/${size}`],
      [{ range: 'bytes=-7' }, 206, truth.subarray(-7), `bytes ${size - 7}-${size - 1}/${size}`],
      [{ range: `bytes=${size - 3}-` }, 206, truth.subarray(-3), `bytes ${size - 3}-${size - 1}/${size}`],
      [{ range: `bytes=${size}-` }, 416, Buffer.alloc(0), `bytes */${size}`],
      [{ range: 'bytes=0-1,5-6' }, 200, truth, undefined],
      [{ range: 'bytes=0-1', 'if-range': etag }, 206, truth.subarray(0, 2), `bytes 0-1/${size}`],
      [{ range: 'bytes=0-1', 'if-range': '"other"' }, 200, truth, undefined],
      [{ 'if-none-match': etag }, 304, Buffer.alloc(0), undefined],
      [{ 'if-modified-since': modified.toUTCString() }, 304, Buffer.alloc(0), undefined],
    ];
    for (const [more, status, bytes, contentRange] of cases) {
      const { response, body } = await ask(more);
      expect([more, response.statusCode, response.headers['content-range']]).toEqual([
        more,
        status,
        contentRange,
      ]);
      expect(body.equals(bytes)).toBe(true);
    }
    const head = await ask({}, 'HEAD');
    expect(head.response.headers).toMatchObject({
      'content-length': String(size),
      'content-type': 'video/mp4',
      etag,
      'accept-ranges': 'bytes',
    });
    expect(head.body).toHaveLength(0);
  });

  it('redirects the third mirror to a link for the cookie that asks', async () => {
    const post = standin.posts.add(videoPost());
    const { item, headers } = await readItem(post);
    const third = item.video.bitrateInfo[0]?.PlayAddr.UrlList[2] ?? '';
    const denied = await get(third);
    await denied.body.dump();
    const response = await get(third, headers);
    await response.body.dump();
    expect([denied.statusCode, response.statusCode]).toEqual([403, 302]);
    expect(await sha256(String(response.headers.location), headers)).toBe(
      standin.media.sha256({ post, part: 'video' }),
    );
  });

  it('serves a big file that no memory holds, the same from every offset', async () => {
    const post = standin.posts.add(videoPost({ renditions: ['h264_540p'], bigBytes: 32 * 1024 * 1024 }));
    const { item, headers } = await readItem(post);
    const content = standin.media.content({ post, part: 'video' });
    expect(content.size).toBe(32 * 1024 * 1024);
    expect(await sha256(item.video.playAddr, headers)).toBe(standin.media.sha256({ post, part: 'video' }));
    const truth = standin.media.bytes({ post, part: 'video' });
    for (const from of [0, 700_001, 5_000_003, 33_554_430]) {
      const part = await get(item.video.playAddr, { ...headers, range: `bytes=${from}-${from + 99_999}` });
      const bytes = Buffer.from(await part.body.arrayBuffer());
      expect(bytes.equals(truth.subarray(from, from + 100_000))).toBe(true);
    }
  });
});

describe('faults', () => {
  it('break answers in every way, as often as told', async () => {
    const post = standin.posts.add(videoPost());
    const { item, headers } = await readItem(post);
    const url = item.video.playAddr;
    const match = { post, part: 'video' as const };
    const read = async () => {
      const response = await get(url, headers);
      let length = 0;
      try {
        for await (const chunk of response.body) length += chunk.length;
      } catch {
        return { status: response.statusCode, length, broken: true };
      }
      return { status: response.statusCode, length, broken: false };
    };
    const { size } = standin.media.content(match);
    standin.faults.once(match, { kind: 'cut', after: 70_000 });
    expect(await read()).toEqual({ status: 200, length: 70_000, broken: true });
    expect(await read()).toEqual({ status: 200, length: size, broken: false });
    standin.faults.add(match, { kind: 'status', status: 404 }, { skip: 1, times: 2 });
    expect([
      (await read()).status,
      (await read()).status,
      (await read()).status,
      (await read()).status,
    ]).toEqual([200, 404, 404, 200]);
    standin.faults.once(match, { kind: 'empty' });
    expect(await read()).toEqual({ status: 200, length: 0, broken: false });
    standin.faults.once(match, { kind: 'length', delta: 5 });
    expect(await read()).toEqual({ status: 200, length: size, broken: true });
    standin.faults.once(match, { kind: 'chunked' });
    expect(await read()).toEqual({ status: 200, length: size, broken: false });
    standin.faults.once(match, { kind: 'reset' });
    await expect(read()).rejects.toThrow();
    standin.faults.add({ host: 'v16-webapp-prime.tiktok.com' }, { kind: 'changed' });
    const changed = await sha256(url, headers);
    expect(changed).not.toBe(standin.media.sha256(match));
    expect(await sha256(url.replace('v16', 'v19'), headers)).toBe(standin.media.sha256(match));
  });

  it('change what the CDN says about the file', async () => {
    const post = standin.posts.add(videoPost());
    const { item, headers } = await readItem(post);
    const match = { post, part: 'video' as const };
    const { size } = standin.media.content(match);
    const faults: Array<[Fault, Record<string, unknown>]> = [
      [{ kind: 'ignore-range' }, { status: 200, length: String(size) }],
      [
        { kind: 'wrong-range', shift: -5 },
        { status: 206, range: `bytes 5-19/${size}`, length: '15' },
      ],
      [
        { kind: 'type', type: 'text/plain' },
        { status: 206, type: 'text/plain' },
      ],
      [{ kind: 'html' }, { status: 200, type: 'text/html; charset=utf-8' }],
      [{ kind: 'expired' }, { status: 403 }],
      [
        { kind: 'redirect', location: 'http://127.0.0.1/' },
        { status: 302, location: 'http://127.0.0.1/' },
      ],
      [
        { kind: 'status', status: 410, headers: { 'retry-after': '9' } },
        { status: 410, retry: '9' },
      ],
    ];
    for (const [fault, expected] of faults) {
      standin.faults.once(match, fault);
      const response = await get(item.video.playAddr, { ...headers, range: 'bytes=10-19' });
      await response.body.dump();
      const told = {
        status: response.statusCode,
        type: response.headers['content-type'],
        length: response.headers['content-length'],
        range: response.headers['content-range'],
        location: response.headers.location,
        retry: response.headers['retry-after'],
      };
      expect(told).toMatchObject(expected);
    }
  });

  it('are slow, silent, or far away', async () => {
    const post = standin.posts.add(
      videoPost({ subtitles: [{ language: 'x', source: 'ASR', format: 'webvtt' }] }),
    );
    const { item } = await readItem(post);
    const url = item.video.subtitleInfos[0]?.Url ?? '';
    const started = Date.now();
    standin.faults.once({ post }, { kind: 'drip', bytes: 20, everyMs: 20 });
    const dripped = await (await get(url)).body.text();
    expect(dripped).toBe(standin.media.bytes(url).toString());
    expect(Date.now() - started).toBeGreaterThanOrEqual(19 * Math.floor(dripped.length / 20));
    const delayed = Date.now();
    standin.faults.once({ post, part: 'page' }, { kind: 'delay', ms: 80 });
    await readItem(post);
    expect(Date.now() - delayed).toBeGreaterThanOrEqual(79);
    standin.faults.once({ post }, { kind: 'hang' });
    await expect(request(url, { dispatcher: agent, signal: AbortSignal.timeout(100) })).rejects.toThrow();
    standin.unreachable.add('v16-webapp.tiktok.com');
    await expect(get(url)).rejects.toThrow();
    standin.unreachable.clear();
    const back = await get(url);
    expect([back.statusCode, (await back.body.text()).length]).toEqual([200, dripped.length]);
  });

  it('stall with the connection open, and notice the client leave', async () => {
    const post = standin.posts.add(videoPost());
    const { item, headers } = await readItem(post);
    standin.faults.add({ post, part: 'video' }, { kind: 'stall', after: 1000 });
    const gone = new AbortController();
    const response = await request(item.video.playAddr, { dispatcher: agent, headers, signal: gone.signal });
    const reader = response.body[Symbol.asyncIterator]();
    expect((await reader.next()).value).toHaveLength(1000);
    const entry = standin.journal.find({ postId: post.id, part: 'video' })[0];
    expect(entry).toMatchObject({ status: 200, bytesSent: 1000, endedAt: null });
    const left = Date.now();
    gone.abort();
    await expect(reader.next()).rejects.toThrow();
    await expect.poll(() => entry?.endedAt, { interval: 5 }).not.toBeNull();
    expect(entry?.aborted).toBe(true);
    expect((entry?.endedAt ?? 0) - left).toBeLessThan(1000);
    expect(standin.journal.closedEarly()).toContain(entry);
  });

  it('never leave the played hosts', async () => {
    await expect(get('https://example.com/')).rejects.toThrow();
    await expect(get('https://tiktok.com.example/')).rejects.toThrow();
    await expect(get('https://www.tiktok.com:8443/')).rejects.toThrow();
    expect(standin.journal.find({ kind: 'refused', status: 403 }).map((entry) => entry.host)).toEqual([
      'example.com',
      'tiktok.com.example',
      'www.tiktok.com',
    ]);
  });
});

describe('Douyin', () => {
  it('answers its API only with the visitor cookie', async () => {
    const post = standin.posts.add(videoPost({ platform: 'douyin' }));
    const api = `https://www.douyin.com/aweme/v1/web/aweme/detail/?aweme_id=${post.id}`;
    expect(await (await get(api)).body.text()).toBe('');
    const headers = { cookie: 's_v_web_id=verify_1' };
    const json = (await (await get(api, headers)).body.json()) as { aweme_detail: { aweme_id: string } };
    expect(json.aweme_detail.aweme_id).toBe(post.id);
    const gone = `https://www.douyin.com/aweme/v1/web/aweme/detail/?aweme_id=7000000000000000001`;
    expect(await (await get(gone, headers)).body.json()).toMatchObject({
      aweme_detail: null,
      filter_detail: { filter_reason: 'core_dep' },
    });
  });
});

it('has one address for every scenario', () => {
  const all = [...SCENARIOS, ...SOURCE_SCENARIOS];
  expect(new Set(all.map((item) => item.url)).size).toBe(all.length);
  expect(new Set(all.map((item) => item.name)).size).toBe(all.length);
});

it('can be strict about who asks', async () => {
  const strict = await startStandin({ browsersOnly: true, credentials: 'eve:secret' });
  const options = { requestTls: { ca: strict.caPem } };
  const nobody = new ProxyAgent({ uri: strict.proxyUrl, ...options });
  const eve = new ProxyAgent({ uri: strict.proxyUrlFor('eve'), ...options });
  const url = 'https://www.tiktok.com/@x/video/7400000000000000003';
  await expect(get(url, {}, nobody)).rejects.toThrow();
  expect(strict.requests.map((entry) => entry.status)).toEqual([407]);
  const read = async (headers: Record<string, string>) => (await get(url, headers, eve)).body.text();
  expect(await read({ 'user-agent': 'python' })).not.toContain('__UNIVERSAL_DATA');
  const chrome = { 'user-agent': 'Mozilla/5.0 (X11) Chrome/150 Safari/537', 'accept-language': 'en' };
  expect(await read(chrome)).not.toContain('__UNIVERSAL_DATA');
  expect(await read({ ...chrome, 'sec-ch-ua': '"Chromium"' })).toContain('__UNIVERSAL_DATA');
  await Promise.all([nobody.close(), eve.close()]);
  await strict.close();
});

it('leaves nothing open after close', async () => {
  const own = await startStandin();
  const other = agentFor(own.proxyUrl);
  await expect(get('https://www.tiktok.com/', {}, other)).rejects.toThrow(); // another stand-in's CA
  expect(existsSync(own.caFile)).toBe(true);
  await own.close();
  expect(own.openConnections()).toBe(0);
  expect(existsSync(own.caFile)).toBe(false);
  await other.close();
});

describe('the real yt-dlp', () => {
  it.skipIf(!solvesChallenge)(
    'reads videos, photos, the challenge and short links, and its links open the CDN',
    async () => {
      const post = standin.posts.add(videoPost({ desc: 'Für "alle" 👋 <b>' }));
      const cases = [
        post.url,
        scenario('video behind the WAF challenge').url,
        scenario('short link, three hops').url,
        `https://www.tiktok.com/@x/video/7300000000000000003`,
        scenario('status 10204 cross_border_violation_ur').url,
        scenario('challenge that never accepts').url,
      ];
      const { python, sysPath } = engine;
      const env = { ...process.env, PYTHONPATH: sysPath.join(delimiter) };
      const args = [extractor, standin.proxyUrl, standin.caFile, ...cases];
      const { stdout } = await run(python, args, { env });
      const [video, challenged, short, photos, status, endless] = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Extracted);
      expect(video).toMatchObject({
        id: post.id,
        title: 'Für "alle" 👋 <b>',
        uploader: post.user,
        view_count: post.stats.play,
      });
      expect(video?.formats.filter((format) => format.format_id.startsWith('h264_1080p_'))).toHaveLength(2);
      expect(video?.subtitles['eng-US']?.[0]?.ext).toBe('vtt');
      expect(challenged?.formats.length).toBeGreaterThan(5);
      // Solved twice: the other one answers with a challenge again, however right the number.
      expect(standin.challenge.answers).toEqual({ right: 2, wrong: 0 });
      expect(short?.id).toMatch(/^76/);
      expect(photos?.formats.map((format) => format.ext)).toEqual(['mp3']);
      expect(status?.error).toContain('blocked from accessing this post');
      expect(endless?.error).toContain('Unable to extract universal data');

      const url = video?.formats[0]?.url ?? '';
      const headers = { cookie: `tt_chain_token=${video?.cookie}`, referer: 'https://www.tiktok.com/' };
      expect(await sha256(url, headers)).toBe(standin.media.sha256({ post, part: 'video' }));
      const curl = [
        '-sS',
        '-x',
        standin.proxyUrl,
        '--cacert',
        standin.caFile,
        '-o',
        '-',
        '-w',
        '%{http_code}',
      ];
      const part = [...curl, '-r', '0-0', '-H', `Cookie: ${headers.cookie}`, '-e', headers.referer, url];
      expect((await run('curl', part)).stdout).toBe('\u0000206');
      expect((await run('curl', [...curl, url])).stdout).toMatch(/Forbidden.*403$/);
    },
    20_000,
  );
});

it.skipIf(!engine.impersonation)(
  'tells impersonation targets apart by their TLS, and knows one again',
  async () => {
    const script = [
      'import sys',
      'from curl_cffi import requests',
      "for target in ('chrome131', 'chrome131', 'chrome136', 'safari18_0', 'firefox135'):",
      "    requests.get(sys.argv[1], impersonate=target, proxies={'https': sys.argv[2]}, verify=sys.argv[3])",
    ].join('\n');
    const post = standin.posts.add(videoPost());
    const env = { ...process.env, PYTHONPATH: engine.sysPath.join(delimiter) };
    await run(engine.python, ['-c', script, post.url, standin.proxyUrl, standin.caFile], { env });
    const asked = standin.journal.asked({ post, source: 'page' });
    expect(asked.map(({ browser }) => `${browser.family} ${browser.version}`)).toEqual([
      'chrome 131',
      'chrome 131',
      'chrome 136',
      'safari 18',
      'firefox 135',
    ]);
    expect(asked[1]?.tls).toBe(asked[0]?.tls);
    expect(new Set(asked.map(({ tls }) => tls)).size).toBe(4);
  },
);

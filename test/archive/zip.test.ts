import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ZipPhoto, Zips } from '../../src/archive/index.ts';
import { MediaClient, type MediaSource } from '../../src/cdn/index.ts';
import { loadConfig } from '../../src/config.ts';
import { ServiceError } from '../../src/errors.ts';
import { FileNames, type MediaRequest, type MediaResponse } from '../../src/media/index.ts';
import { TempStore } from '../../src/temp/index.ts';
import { photoPost, type Standin, type StandinPost, startStandin } from '../helpers/standin/index.ts';

const run = promisify(execFile);
let standin: Standin;
let media: MediaClient;
let folder: string;
let temp: TempStore;
let zips: Zips;

beforeAll(async () => {
  standin = await startStandin();
});
afterAll(() => standin.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zips-'));
  temp = new TempStore({ dir: folder, log: { info: () => {}, warn: () => {} } });
  await temp.open();
  media = new MediaClient({
    egresses: new Map([['direct', standin.proxyUrl]]),
    extraCa: [standin.caPem],
    // What has to end soon must not end by this.
    stallTimeoutMs: 30_000,
  });
  zips = new Zips({ media, temp });
});
afterEach(async () => {
  await media.close();
  // Whatever a test did, nothing is left on the disk.
  await vi.waitFor(() => expect(temp.inUse).toBe(0), 5000);
  await temp.close();
  await rm(folder, { recursive: true });
  standin.faults.clear();
});

function source(post: StandinPost, index: number): MediaSource {
  const ref = { postId: post.id, part: 'photo' as const, index };
  const links = ['p16-sign-sg.tiktokcdn.com', 'p77-sign-sg.tiktokcdn.com'].map((host) =>
    standin.addresses.image(host, ref, 3600, 'photomode-image.jpeg'),
  );
  const referer = 'https://www.tiktok.com/';
  return { id: `tiktok/${post.id}/photo/${index}`, urls: links, cookie: null, referer, egress: 'direct' };
}

function photosOf(post: StandinPost): ZipPhoto[] {
  return post.photos.map((_, index) => ({
    position: index + 1,
    source: source(post, index),
    renew: async () => source(post, index),
  }));
}

const names = new FileNames(loadConfig({}).files.nameTemplate);
const NO_MORE = { title: '', createdAt: null };

interface Asked extends Partial<MediaRequest> {
  photos?: ZipPhoto[];
  user?: string;
  signal?: AbortSignal;
  client?: string;
  by?: Zips;
}

function open(
  post: StandinPost,
  { photos, user, signal, client, by = zips, ...request }: Asked = {},
): Promise<MediaResponse> {
  return by.openZip(
    photos ?? photosOf(post),
    {
      nameOf: (file) => names.nameOf({ user: user ?? post.user, id: post.id, ...NO_MORE, ...file }),
      createdAt: post.createTime,
    },
    { method: 'GET', ...request },
    { client: client ?? 'c', signal: signal ?? new AbortController().signal },
  );
}

async function bytesOf({ body }: MediaResponse): Promise<Buffer> {
  if (!body) throw new Error('no body');
  return buffer(body);
}

interface Opened {
  broken: string | null;
  entries: { name: string; sha256: string; stored: boolean; date: number[] }[];
}

const READ = `
import hashlib, json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    print(json.dumps({"broken": z.testzip(), "entries": [
        {"name": i.filename, "sha256": hashlib.sha256(z.read(i)).hexdigest(),
         "stored": i.compress_type == 0, "date": i.date_time} for i in z.infolist()]}))
`;

/** Opens an archive with Python's own reader. */
async function read(zip: Buffer): Promise<Opened> {
  const dir = await mkdtemp(join(tmpdir(), 'zip-'));
  try {
    await writeFile(join(dir, 'a.zip'), zip);
    return JSON.parse((await run('python3', ['-c', READ, join(dir, 'a.zip')])).stdout) as Opened;
  } finally {
    await rm(dir, { recursive: true });
  }
}

function truth(post: StandinPost): string[] {
  return post.photos.map((_, index) => standin.media.sha256({ post, part: 'photo', index }));
}

function add(...args: Parameters<typeof photoPost>): StandinPost {
  return standin.posts.add(photoPost(...args));
}

describe('a zip of photos', () => {
  it('has every photo with its own type, name and date of the post, and the announced length', async () => {
    // 2026-01-02 03:04:06 UTC
    const post = add({ photos: ['portrait_1', 'webp', 'heic'], user: 'some.one', createTime: 1_767_323_046 });
    const answer = await open(post);
    expect(answer).toMatchObject({ status: 200, mime: 'application/zip', extension: 'zip' });
    const zip = await bytesOf(answer);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/zip',
      'content-length': String(zip.length),
      'accept-ranges': 'none',
    });
    const { broken, entries } = await read(zip);
    const file = `some.one_${post.id}`;
    expect(broken).toBeNull();
    expect(entries).toEqual(
      [`${file}_01.jpg`, `${file}_02.webp`, `${file}_03.heic`].map((name, index) => ({
        name,
        sha256: truth(post)[index],
        stored: true,
        date: [2026, 1, 2, 3, 4, 6],
      })),
    );
  });

  it('has the announced length with names in other scripts', async () => {
    const post = add({ photos: 2 });
    const answer = await open(post, { user: '抖音_é' });
    const zip = await bytesOf(answer);
    expect(String(zip.length)).toBe(answer.headers['content-length']);
    const { entries } = await read(zip);
    expect(entries.map(({ name }) => name)).toEqual([1, 2].map((n) => `抖音_é_${post.id}_0${n}.jpg`));
  });

  it('has the same bytes twice, with 35 photos', async () => {
    const post = add({ photos: 35 });
    const [first, second] = [await open(post), await open(post)];
    const zip = await bytesOf(first);
    expect((await bytesOf(second)).equals(zip)).toBe(true);
    expect(second.headers).toEqual(first.headers);
    expect((await read(zip)).entries.map(({ sha256 }) => sha256)).toEqual(truth(post));
  });

  it('answers HEAD and If-None-Match without fetching photos, and ignores ranges', async () => {
    const post = add();
    const whole = await open(post, { range: 'bytes=0-9' });
    expect(whole.status).toBe(200);
    const zip = await bytesOf(whole);
    const before = standin.requests.length;
    const head = await open(post, { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, body: null });
    expect(head.headers['content-length']).toBe(String(zip.length));
    expect(await open(post, { ifNoneMatch: head.headers.etag })).toMatchObject({ status: 304, body: null });
    const sent = standin.requests.slice(before).reduce((sum, entry) => sum + entry.bytesSent, 0);
    expect(sent).toBe(2 * 3 * 4096);
  });
});

describe('a zip of failing photos', () => {
  it.each([
    ['is gone', { kind: 'status', status: 404 } as const],
    ['is a page', { kind: 'html' } as const],
  ])('fails before the first byte when a photo %s', async (_name, fault) => {
    const post = add({ photos: 12 });
    standin.faults.add({ post, index: 9 }, fault);
    await expect(open(post)).rejects.toMatchObject({ code: 'upstream_failed' });
  });

  it('fails with the code of the extraction', async () => {
    const post = add();
    standin.expireNow(post);
    const gone = async () => {
      throw new ServiceError('post_not_found');
    };
    const photos = photosOf(post).map((photo) => ({ ...photo, renew: gone }));
    standin.expireNow(post);
    await expect(open(post, { photos })).rejects.toMatchObject({ code: 'post_not_found' });
  });

  it('is complete with expired links, and with a photo that breaks off and whose links expire', async () => {
    const post = add();
    const photos = photosOf(post);
    standin.expireNow(post);
    const renewed = vi.fn();
    const answer = await open(post, {
      photos: photos.map((photo, index) => ({
        ...photo,
        renew: async () => {
          renewed(index);
          return source(post, index);
        },
      })),
    });
    expect(renewed).toHaveBeenCalledTimes(3);
    const cut = standin.faults.once({ post, index: 1, ranged: false }, { kind: 'cut', after: 20_000 });
    const dead = standin.faults.add({ post, index: 1, ranged: true }, { kind: 'expired' }, { times: 2 });
    const { entries } = await read(await bytesOf(answer));
    expect(entries.map(({ sha256 }) => sha256)).toEqual(truth(post));
    expect([cut.hits, dead.hits, renewed.mock.calls.length]).toEqual([1, 2, 4]);
  });

  it('breaks off where a photo cannot be completed', async () => {
    const post = add();
    const answer = await open(post);
    standin.faults.once({ post, index: 1, ranged: false }, { kind: 'cut', after: 20_000 });
    standin.faults.add({ post, index: 1, ranged: true }, { kind: 'status', status: 404 });
    await expect(bytesOf(answer)).rejects.toMatchObject({ code: 'upstream_failed' });
  });

  it('breaks off where a photo has changed', async () => {
    const post = add();
    const answer = await open(post);
    standin.faults.add({ post, index: 2 }, { kind: 'changed' });
    await expect(bytesOf(answer)).rejects.toMatchObject({ code: 'upstream_failed' });
  });

  it.each(['signal', 'body'] as const)(
    'closes the upstream when the client disconnects (%s)',
    async (how) => {
      const post = add({ photos: 5 });
      standin.faults.add({ post, index: 1, ranged: false }, { kind: 'stall', after: 50_000 });
      const client = new AbortController();
      const { body } = await open(post, { signal: client.signal });
      body?.on('error', () => {});
      body?.resume();
      await vi.waitFor(() => expect(standin.journal.running().length).toBe(1), 10_000);
      if (how === 'signal') client.abort(new Error('gone'));
      else body?.destroy();
      await vi.waitFor(() => expect(standin.journal.running()).toEqual([]), 10_000);
      // The probes had ranges.
      const fetched = standin.journal
        .find({ postId: post.id })
        .filter(({ headers }) => !('range' in headers));
      expect(fetched.length).toBe(2);
      expect(body?.destroyed).toBe(true);
    },
  );

  it('reads little ahead of a client that stops reading', async () => {
    const post = add({ photos: 35 });
    const before = standin.requests.length;
    const { body } = await open(post);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const opened = standin.requests.slice(before).filter(({ headers }) => !('range' in headers));
    expect(opened.length).toBeLessThanOrEqual(2);
    expect(body?.readableLength).toBeLessThan(100_000);
    body?.destroy();
  });

  it('holds two photos at most on the disk while it is read, none after it', async () => {
    const post = add({ photos: 12 });
    const { body } = await open(post);
    let most = 0;
    for await (const _ of body ?? []) {
      const names = await readdir(folder, { recursive: true });
      most = Math.max(most, names.filter((name) => /zip-[^/]*\/\d+$/.test(name)).length);
    }
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(2);
    await vi.waitFor(() => expect(temp.inUse).toBe(0), 10_000);
  });

  it('leaves nothing on the disk when it is destroyed before the first byte', async () => {
    const { body } = await open(add());
    body?.destroy();
    await vi.waitFor(() => expect(temp.inUse).toBe(0), 10_000);
  });
});

describe('limits', () => {
  it('rejects more archives of one client as busy, until one of them is closed', async () => {
    const post = add();
    const limited = new Zips({ media, temp, limits: { maxBytes: 1e9, maxPerClient: 2 } });
    const [first, second] = [await open(post, { by: limited }), await open(post, { by: limited })];
    await expect(open(post, { by: limited })).rejects.toMatchObject({
      code: 'busy',
      retryAfter: expect.any(Number),
    });
    // HEAD takes nothing on the disk.
    expect((await open(post, { by: limited, method: 'HEAD' })).status).toBe(200);
    const other = await open(post, { by: limited, client: 'd' });
    first.body?.destroy();
    await vi.waitFor(async () => (await open(post, { by: limited })).body?.destroy(), 10_000);
    for (const { body } of [second, other]) body?.destroy();
  });

  it('rejects archives of all clients as busy when the disk space for them is reserved', async () => {
    const post = add();
    const largest = Math.max(
      ...post.photos.map((_, index) => standin.media.bytes({ post, part: 'photo', index }).length),
    );
    const limited = new Zips({ media, temp, limits: { maxBytes: 2 * largest, maxPerClient: 9 } });
    const first = await open(post, { by: limited, client: 'c' });
    await expect(open(post, { by: limited, client: 'd' })).rejects.toMatchObject({ code: 'busy' });
    const zip = await bytesOf(first);
    expect(zip.length).toBe(first.size);
    await vi.waitFor(async () => (await open(post, { by: limited, client: 'd' })).body?.destroy(), 10_000);
  });

  it('rejects an archive as busy when the disk is full', async () => {
    vi.spyOn(temp, 'freeBytes').mockResolvedValue(1000);
    await expect(open(add())).rejects.toMatchObject({ code: 'busy' });
  });

  it('fails before the first byte for a photo of more than 64 MB', async () => {
    const huge = {
      openMedia: async () => ({
        status: 200,
        headers: { etag: '"x"' },
        mime: 'image/jpeg',
        extension: 'jpg',
        size: 64 * 1024 * 1024 + 1,
        body: null,
      }),
    } as unknown as MediaClient;
    const limited = new Zips({ media: huge, temp });
    await expect(open(add(), { by: limited })).rejects.toMatchObject({ code: 'upstream_failed' });
  });
});

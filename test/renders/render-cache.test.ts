import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FairQueue } from '../../src/concurrency/index.ts';
import { ServiceError } from '../../src/errors.ts';
import type {
  Produce,
  Progress,
  RenderCacheOptions,
  RenderedFile,
  RenderTools,
} from '../../src/renders/index.ts';
import { FETCHES_PER_SLOT, FILES_PER_CLIENT, MAX_WAITING, RenderCache } from '../../src/renders/index.ts';
import { TempStore } from '../../src/temp/index.ts';

let dir: string;
let temp: TempStore;
let cache: RenderCache;

function open(options: Partial<RenderCacheOptions> = {}, slots = 2) {
  return new RenderCache({
    kind: 'slideshow',
    temp,
    renders: new FairQueue({ slots }),
    limitClients: false,
    maxAgeMs: 60_000,
    maxBytes: 1_000_000,
    ...options,
  });
}

function get(
  key: string,
  produce: Produce,
  signal?: AbortSignal,
  client = 'somebody',
): Promise<RenderedFile> {
  return cache.get(key, produce, { client, ...(signal && { signal }) });
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'store-'));
  temp = new TempStore({ dir, log: { info: () => undefined, warn: () => undefined } });
  await temp.open();
  cache = open();
});
afterEach(async () => {
  await cache.close();
  await temp.close();
  expect(await readdir(dir)).toEqual([]);
  await rm(dir, { recursive: true });
});

/** Writes a file of some bytes. */
const writes =
  (bytes: number, byte = 0): Produce =>
  async ({ job }) => {
    const path = join(job.path, 'slideshow.mp4');
    await writeFile(path, Buffer.alloc(bytes, byte));
    return path;
  };

async function read(file: RenderedFile): Promise<Buffer> {
  const bytes = await buffer(file.open(null));
  file.release();
  return bytes;
}

/** Work that a test lets finish, and looks into. */
function held() {
  const started: RenderTools[] = [];
  let finish: () => void = () => undefined;
  const open = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const produce: Produce = async (tools) => {
    started.push(tools);
    await new Promise<void>((resolve, reject) => {
      tools.signal.addEventListener('abort', () => reject(tools.signal.reason), { once: true });
      open.then(resolve);
    });
    return writes(10)(tools);
  };
  const begun = () => vi.waitFor(() => expect(started.length).toBeGreaterThan(0), 10_000);
  return { produce, started, finish, begun };
}

async function jobs(): Promise<number> {
  const [run] = await readdir(dir);
  const names = await readdir(join(dir, run ?? ''));
  return names.filter((name) => name.startsWith('slideshow-')).length;
}

it('renders once for 50 requests at the same time, and not again for the next', async () => {
  const produce = vi.fn(writes(1000));
  const files = await Promise.all(Array.from({ length: 50 }, () => get('post', produce)));
  const later = await get('post', produce);
  expect(produce).toHaveBeenCalledTimes(1);
  expect(new Set([...files, later].map((file) => file.etag)).size).toBe(1);
  expect([...files, later].map((file) => file.isNew)).toEqual([...files.map(() => true), false]);
  for (const file of [...files, later]) expect((await read(file)).length).toBe(1000);
});

it('gives the same bytes the same ETag, and other bytes another', async () => {
  const files = [await get('a', writes(1000)), await get('b', writes(1000)), await get('c', writes(1000, 1))];
  const [a, b, c] = files.map(({ etag }) => etag);
  expect(a).toMatch(/^"[\w-]{27}"$/);
  expect(b).toBe(a);
  expect(c).not.toBe(a);
  for (const file of files) file.release();
});

it('renders as many files at a time as there are slots', async () => {
  let now = 0;
  let most = 0;
  const order: number[] = [];
  const produce =
    (n: number): Produce =>
    (tools) =>
      tools.withSlot(async () => {
        order.push(n);
        now += 1;
        most = Math.max(most, now);
        await new Promise((resolve) => setTimeout(resolve, 5));
        now -= 1;
        return writes(1)(tools);
      });
  const files = await Promise.all(Array.from({ length: 10 }, (_, n) => get(`post ${n}`, produce(n))));
  expect(most).toBe(2);
  expect(order.slice().sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (const file of files) file.release();
});

it('rejects with busy beyond the queue, and serves again when there is room', async () => {
  cache = open({}, 1);
  const work = held();
  const all = Array.from({ length: FETCHES_PER_SLOT + MAX_WAITING }, (_, n) =>
    get(`post ${n}`, work.produce, undefined, `client ${n}`),
  );
  await expect(get('one more', work.produce)).rejects.toMatchObject({
    code: 'busy',
    retryAfter: expect.any(Number),
  });
  // A request for a file in the making takes no place.
  const joined = get('post 0', work.produce);
  work.finish();
  for (const file of await Promise.all([...all, joined])) file.release();
  (await get('one more', writes(1))).release();
});

it('leaves slots to the others where two clients wait for files that never come', async () => {
  cache = open({ limitClients: true }, 2);
  const work = held();
  const stuck = Array.from({ length: 2 * FILES_PER_CLIENT }, (_, n) =>
    get(`post ${n}`, work.produce, undefined, `client ${n % 2}`),
  );
  await vi.waitFor(() => expect(work.started.length).toBe(4), 10_000);
  const other = await get('other', writes(1), undefined, 'somebody else');
  other.release();
  work.finish();
  for (const file of await Promise.all(stuck)) file.release();
});

it('bounds the files of one client, and leaves slots to the others', async () => {
  cache = open({ limitClients: true }, 1);
  const work = held();
  const greedy = Array.from({ length: FILES_PER_CLIENT }, (_, n) => get(`post ${n}`, work.produce));
  await work.begun();
  await expect(get('one more', work.produce)).rejects.toMatchObject({
    code: 'busy',
    message: expect.stringContaining('for one address'),
  });
  const other = await get('other', writes(1), undefined, 'somebody else');
  other.release();
  expect(work.started.length).toBe(1);
  work.finish();
  for (const file of await Promise.all(greedy)) file.release();
});

it('shares the render slots with other caches', async () => {
  const renders = new FairQueue({ slots: 1 });
  cache = open({ renders });
  const other = open({ renders, kind: 'mp3' });
  let now = 0;
  let most = 0;
  const produce: Produce = (tools) =>
    tools.withSlot(async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, 5));
      now -= 1;
      return writes(1)(tools);
    });
  const files = await Promise.all([
    get('a', produce),
    other.get('b', produce, { client: 'b' }),
    other.get('c', produce, { client: 'c' }),
  ]);
  expect(most).toBe(1);
  for (const file of files) file.release();
  await other.close();
});

it('gives up a work that takes too long', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const late = expect(get('post', held().produce)).rejects.toMatchObject({ code: 'timeout' });
  await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1), 10_000);
  vi.runAllTimers();
  vi.useRealTimers();
  await late;
  expect(await jobs()).toBe(0);
});

it('continues while one client waits, and gives up when the last has gone', async () => {
  const work = held();
  const [first, second] = [new AbortController(), new AbortController()];
  const a = get('post', work.produce, first.signal);
  const b = get('post', work.produce, second.signal);
  await work.begun();
  first.abort(new Error('closed the tab'));
  await expect(a).rejects.toThrow('closed the tab');
  expect(work.started[0]?.signal.aborted).toBe(false);
  second.abort(new Error('closed too'));
  await expect(b).rejects.toThrow('closed too');
  expect(work.started[0]?.signal.aborted).toBe(true);
  await vi.waitFor(async () => expect(await jobs()).toBe(0), 10_000);
  expect(cache.status).toEqual({ inFlight: 0, files: 0, bytes: 0 });
});

it('starts again for a client that comes after the last has gone', async () => {
  const [work, again] = [held(), held()];
  const gone = new AbortController();
  const a = get('post', work.produce, gone.signal);
  await work.begun();
  gone.abort(new Error('gone'));
  await expect(a).rejects.toThrow('gone');
  const b = get('post', again.produce);
  again.finish();
  (await b).release();
  expect([work.started.length, again.started.length]).toEqual([1, 1]);
});

it('finishes and keeps a file that is half done when the last client leaves', async () => {
  const work = held();
  const gone = new AbortController();
  const left = get(
    'post',
    (tools) => {
      tools.report({ stage: 'rendering', percent: 50 });
      return work.produce(tools);
    },
    gone.signal,
  );
  await work.begun();
  gone.abort(new Error('gone'));
  await expect(left).rejects.toThrow('gone');
  const again = get('post', () => Promise.reject(new Error('made twice')));
  work.finish();
  (await again).release();
  expect(cache.has('post')).toBe(true);
});

it('leaves nothing of a client that leaves the queue', async () => {
  cache = open({}, 1);
  const work = held();
  const running = Array.from({ length: FETCHES_PER_SLOT }, (_, n) => get(`post ${n}`, work.produce));
  const gone = new AbortController();
  const waiting = get('c', work.produce, gone.signal);
  await vi.waitFor(() => expect(work.started.length).toBe(FETCHES_PER_SLOT), 10_000);
  gone.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  work.finish();
  for (const file of await Promise.all(running)) file.release();
  expect(work.started.length).toBe(FETCHES_PER_SLOT);
  await vi.waitFor(() => expect(cache.status.inFlight).toBe(0), 10_000);
  await expect(get('d', work.produce, gone.signal)).rejects.toThrow('gone');
});

it('rejects all waiting clients with the same error, keeps nothing, and tries again for the next', async () => {
  const fail: Produce = async ({ job }) => {
    await writeFile(join(job.path, 'photo-1'), 'half');
    throw new ServiceError('upstream_failed');
  };
  const results = await Promise.allSettled([get('post', fail), get('post', fail)]);
  for (const result of results) expect(result).toMatchObject({ reason: { code: 'upstream_failed' } });
  await vi.waitFor(async () => expect(await jobs()).toBe(0), 10_000);
  (await get('post', writes(1))).release();
});

it('evicts the least recently used file beyond its bytes; a file being read stays readable', async () => {
  cache = open({ maxBytes: 250 });
  const a = await get('a', writes(100, 1));
  (await get('b', writes(100))).release();
  (await get('a', writes(1))).release();
  (await get('c', writes(100))).release();
  // b is used least recently.
  expect([cache.has('a'), cache.has('b'), cache.has('c')]).toEqual([true, false, true]);
  (await get('c', writes(1))).release();
  (await get('d', writes(100))).release();
  expect([cache.has('a'), cache.has('c'), cache.has('d')]).toEqual([false, true, true]);
  expect(cache.status).toMatchObject({ files: 2, bytes: 200 });
  await cache.sweep();
  expect(await jobs()).toBe(2);
  expect(await read(a)).toEqual(Buffer.alloc(100, 1));
});

it('serves a file that alone is too large, and drops it at the next sweep', async () => {
  cache = open({ maxBytes: 50 });
  const file = await get('large', writes(100));
  expect(await cache.sweep()).toEqual({ files: 1, bytes: 100 });
  expect((await read(file)).length).toBe(100);
  expect(await jobs()).toBe(0);
});

it('makes a file again when it is too old; a client that reads the old one finishes', async () => {
  const aging = await get('other', async (tools) => {
    const path = await writes(10)(tools);
    await utimes(path, 0, (Date.now() - 59_700) / 1000);
    return path;
  });
  await vi.waitFor(async () => {
    const fresh = await get('other', writes(20));
    fresh.release();
    expect(fresh.size).toBe(20);
  }, 10_000);
  expect((await read(aging)).length).toBe(10);
});

it('sweeps what is too old and reports what that freed', async () => {
  const aged = async (tools: RenderTools) => {
    const path = await writes(10)(tools);
    await utimes(path, 0, (Date.now() - 61_000) / 1000);
    return path;
  };
  const hold = await get('young', writes(5));
  expect(await cache.sweep()).toEqual({ files: 0, bytes: 0 });
  hold.release();
  // Past its age when it is made: it is not served.
  await expect(get('post', aged)).rejects.toMatchObject({ code: 'busy' });
  expect(await cache.sweep()).toEqual({ files: 1, bytes: 10 });
  expect(await jobs()).toBe(1);
});

it('reports progress to watchers that come early, late and after the end', async () => {
  const [early, late, after]: Progress[][] = [[], [], []];
  const stopEarly = cache.watch('post', (progress) => early?.push(progress));
  const work = held();
  const file = get('post', async (tools) => {
    tools.report({ stage: 'fetching', percent: 20 });
    tools.report({ stage: 'rendering', percent: 60 });
    return work.produce(tools);
  });
  await work.begun();
  cache.watch('post', (progress) => late?.push(progress));
  work.finish();
  (await file).release();
  cache.watch('post', (progress) => after?.push(progress))();
  expect(early).toEqual([
    { stage: 'queued', percent: 0 },
    { stage: 'fetching', percent: 20 },
    { stage: 'rendering', percent: 60 },
    { stage: 'done', percent: 100 },
  ]);
  expect(late).toEqual(early?.slice(2));
  expect(after).toEqual([{ stage: 'done', percent: 100 }]);
  stopEarly();
});

it('reports failures and abandoned work to watchers', async () => {
  const seen: Progress[] = [];
  cache.watch('post', (progress) => seen.push(progress));
  await expect(get('post', () => Promise.reject(new ServiceError('render_failed')))).rejects.toThrow();
  expect(seen.at(-1)).toEqual({ stage: 'failed', percent: 100, code: 'render_failed' });
  const gone = new AbortController();
  const work = held();
  const waiting = get('post', work.produce, gone.signal);
  await work.begun();
  gone.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  expect(seen.at(-1)).toMatchObject({ stage: 'failed', code: 'timeout' });
  expect(seen.filter(({ stage }) => stage === 'failed').length).toBe(2);
});

it('aborts everything when it closes', async () => {
  const work = held();
  const waiting = expect(get('post', work.produce)).rejects.toBeInstanceOf(ServiceError);
  const kept = await get('kept', writes(10));
  await work.begun();
  await cache.close();
  await waiting;
  kept.release();
  expect(await jobs()).toBe(0);
  await expect(get('new', work.produce)).rejects.toMatchObject({ code: 'busy' });
});

import { access, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ServiceError } from '../../src/errors.ts';
import type { Produce, Progress, WorkTools } from '../../src/renders/index.ts';
import { RenderCache, type RenderCacheOptions } from '../../src/renders/index.ts';
import { TempStore } from '../../src/temp/index.ts';

let dir: string;
let temp: TempStore;
let store: RenderCache;

function open(options: Partial<RenderCacheOptions> = {}) {
  return new RenderCache({
    kind: 'slideshow',
    temp,
    maxRenders: 2,
    maxQueue: 50,
    maxAgeMs: 60_000,
    maxBytes: 1_000_000,
    ...options,
  });
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'store-'));
  temp = new TempStore({ dir, log: { info: () => undefined, warn: () => undefined } });
  await temp.open();
  store = open();
});
afterEach(async () => {
  await store.close();
  await temp.close();
  expect(await readdir(dir)).toEqual([]);
  await rm(dir, { recursive: true });
});

/** Writes a file of some bytes. */
const writes =
  (bytes: number): Produce =>
  async ({ job }) => {
    const path = join(job.path, 'movie.mp4');
    await writeFile(path, Buffer.alloc(bytes));
    return path;
  };

/** Work that a test lets finish, and looks into. */
function held() {
  const started: WorkTools[] = [];
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
  const begun = () => vi.waitFor(() => expect(started.length).toBeGreaterThan(0));
  return { produce, started, finish, begun };
}

async function jobs(): Promise<number> {
  const [run] = await readdir(dir);
  const names = await readdir(join(dir, run ?? ''));
  return names.filter((name) => name.startsWith('slideshow-')).length;
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

it('renders once for 50 at the same time, and not at all for the next', async () => {
  const produce = vi.fn(writes(1000));
  const files = await Promise.all(Array.from({ length: 50 }, () => store.get('post', produce)));
  const later = await store.get('post', produce);
  expect(produce).toHaveBeenCalledTimes(1);
  expect(new Set([...files, later].map((file) => file.path)).size).toBe(1);
  expect(later.size).toBe(1000);
  expect(later.mtimeMs).toBe((await stat(later.path)).mtimeMs);
  for (const file of [...files, later]) file.release();
});

it('renders different ones side by side, as many as allowed, in their order', async () => {
  let now = 0;
  let most = 0;
  const order: number[] = [];
  const produce =
    (n: number): Produce =>
    (tools) =>
      tools.turn(async () => {
        order.push(n);
        now += 1;
        most = Math.max(most, now);
        await new Promise((resolve) => setTimeout(resolve, 5));
        now -= 1;
        return writes(1)(tools);
      });
  const files = await Promise.all(Array.from({ length: 10 }, (_, n) => store.get(`post ${n}`, produce(n))));
  expect(most).toBe(2);
  expect(order.slice().sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (const file of files) file.release();
});

it('says busy beyond the queue, and serves again when there is room', async () => {
  store = open({ maxRenders: 1, maxQueue: 1 });
  const work = held();
  const both = [store.get('a', work.produce), store.get('b', work.produce)];
  await expect(store.get('c', work.produce)).rejects.toMatchObject({ code: 'busy', retryAfter: 5 });
  // Who asks for the same one takes no place.
  const third = store.get('a', work.produce);
  work.finish();
  for (const file of await Promise.all([...both, third])) file.release();
  (await store.get('c', writes(1))).release();
});

it('goes on while one still waits, and gives up when the last has gone', async () => {
  const work = held();
  const [first, second] = [new AbortController(), new AbortController()];
  const a = store.get('post', work.produce, { signal: first.signal });
  const b = store.get('post', work.produce, { signal: second.signal });
  await work.begun();
  first.abort(new Error('closed the tab'));
  await expect(a).rejects.toThrow('closed the tab');
  expect(work.started[0]?.signal.aborted).toBe(false);
  second.abort(new Error('closed too'));
  await expect(b).rejects.toThrow('closed too');
  expect(work.started[0]?.signal.aborted).toBe(true);
  await vi.waitFor(async () => expect(await jobs()).toBe(0));
  expect(store.status).toEqual({ inFlight: 0, files: 0, bytes: 0 });
});

it('starts anew for who comes after the last has gone', async () => {
  const [work, again] = [held(), held()];
  const gone = new AbortController();
  const a = store.get('post', work.produce, { signal: gone.signal });
  await work.begun();
  gone.abort(new Error('gone'));
  await expect(a).rejects.toThrow('gone');
  const b = store.get('post', again.produce);
  again.finish();
  (await b).release();
  expect([work.started.length, again.started.length]).toEqual([1, 1]);
});

it('leaves nothing of one who leaves the queue', async () => {
  store = open({ maxRenders: 1 });
  const work = held();
  const running = [store.get('a', work.produce), store.get('b', work.produce)];
  const gone = new AbortController();
  const waiting = store.get('c', work.produce, { signal: gone.signal });
  await vi.waitFor(() => expect(work.started.length).toBe(2));
  gone.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  work.finish();
  for (const file of await Promise.all(running)) file.release();
  expect(work.started.length).toBe(2);
  await vi.waitFor(() => expect(store.status.inFlight).toBe(0));
  await expect(store.get('d', work.produce, { signal: gone.signal })).rejects.toThrow('gone');
});

it('hands the same error to all who wait, keeps nothing, and tries again for the next', async () => {
  const fail: Produce = async ({ job }) => {
    await writeFile(join(job.path, 'photo-1'), 'half');
    throw new ServiceError('upstream_failed');
  };
  const results = await Promise.allSettled([store.get('post', fail), store.get('post', fail)]);
  for (const result of results) expect(result).toMatchObject({ reason: { code: 'upstream_failed' } });
  await vi.waitFor(async () => expect(await jobs()).toBe(0));
  (await store.get('post', writes(1))).release();
});

it('keeps files within their bytes: the longest unused goes, never one being read', async () => {
  store = open({ maxBytes: 250 });
  const a = await store.get('a', writes(100));
  const b = await store.get('b', writes(100));
  b.release();
  const c = await store.get('c', writes(100));
  c.release();
  // a is the oldest, but open: b had to go.
  await vi.waitFor(async () =>
    expect([await exists(a.path), await exists(b.path), await exists(c.path)]).toEqual([true, false, true]),
  );
  a.release();
  a.release();
  const produce = vi.fn(writes(100));
  (await store.get('a', produce)).release();
  expect(produce).not.toHaveBeenCalled();
  // Now c has been unused for longer than a.
  (await store.get('d', writes(100))).release();
  await vi.waitFor(async () => expect([await exists(a.path), await exists(c.path)]).toEqual([true, false]));
  expect(store.status).toMatchObject({ files: 2, bytes: 200 });
});

it('drops a file that alone is too large once nobody reads it', async () => {
  store = open({ maxBytes: 50 });
  const file = await store.get('large', writes(100));
  expect(await exists(file.path)).toBe(true);
  file.release();
  await vi.waitFor(async () => expect(await exists(file.path)).toBe(false));
});

it('makes a file anew when it is too old; who reads the old one can finish', async () => {
  const aging = await store.get('other', async (tools) => {
    const path = await writes(10)(tools);
    await utimes(path, 0, (Date.now() - 59_700) / 1000);
    return path;
  });
  await vi.waitFor(async () => {
    const fresh = await store.get('other', writes(20));
    fresh.release();
    expect(fresh.size).toBe(20);
  });
  expect(await exists(aging.path)).toBe(true);
  aging.release();
  await vi.waitFor(async () => expect(await exists(aging.path)).toBe(false));
});

it('sweeps what is too old and says what that freed', async () => {
  store = open({ maxAgeMs: 50 });
  const file = await store.get('post', writes(10));
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(await store.sweep()).toEqual({ files: 0, bytes: 0 });
  expect(await exists(file.path)).toBe(true);
  file.release();
  const next = await store.get('next', writes(30));
  next.release();
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(await store.sweep()).toEqual({ files: 1, bytes: 30 });
  expect(await jobs()).toBe(0);
});

it('tells everybody who watches, from the beginning, late, and after the end', async () => {
  const [early, late, after]: Progress[][] = [[], [], []];
  const stopEarly = store.watch('post', (progress) => early?.push(progress));
  const work = held();
  const file = store.get('post', async (tools) => {
    tools.report({ stage: 'fetching', percent: 20 });
    tools.report({ stage: 'rendering', percent: 60 });
    return work.produce(tools);
  });
  await work.begun();
  store.watch('post', (progress) => late?.push(progress));
  work.finish();
  (await file).release();
  store.watch('post', (progress) => after?.push(progress))();
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

it('tells watchers of failures and of work given up', async () => {
  const seen: Progress[] = [];
  store.watch('post', (progress) => seen.push(progress));
  await expect(store.get('post', () => Promise.reject(new ServiceError('render_failed')))).rejects.toThrow();
  expect(seen.at(-1)).toEqual({ stage: 'failed', percent: 100, code: 'render_failed' });
  const gone = new AbortController();
  const work = held();
  const waiting = store.get('post', work.produce, { signal: gone.signal });
  await work.begun();
  gone.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  expect(seen.at(-1)).toMatchObject({ stage: 'failed', code: 'timeout' });
  expect(seen.filter(({ stage }) => stage === 'failed').length).toBe(2);
});

it('ends everything when it closes', async () => {
  const work = held();
  const waiting = expect(store.get('post', work.produce)).rejects.toBeInstanceOf(ServiceError);
  const kept = await store.get('kept', writes(10));
  await work.begun();
  await store.close();
  await waiting;
  expect(await exists(kept.path)).toBe(false);
  expect(await jobs()).toBe(0);
  await expect(store.get('new', work.produce)).rejects.toMatchObject({ code: 'busy' });
});

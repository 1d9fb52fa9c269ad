import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { FairQueue } from '../../src/concurrency/index.ts';

/** Work that the test ends. */
function job<T = void>() {
  let end: (value: T) => void = () => {};
  let fail: (reason: Error) => void = () => {};
  const promise = new Promise<T>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  let begun = false;
  const work = () => {
    begun = true;
    return promise;
  };
  return {
    work,
    end,
    fail,
    get begun() {
      return begun;
    },
  };
}

/** Resolves when all jobs that can proceed have done so. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('the queue', () => {
  it('returns the result of the work', async () => {
    await expect(new FairQueue({ slots: 1, maxWaiting: 1 }).run('a', async () => 42)).resolves.toBe(42);
  });

  it('rejects with the error of the work', async () => {
    const failure = new Error('no');
    await expect(
      new FairQueue({ slots: 1, maxWaiting: 1 }).run('a', () => Promise.reject(failure)),
    ).rejects.toBe(failure);
  });

  it('runs as many jobs at once as there are slots', async () => {
    const queue = new FairQueue({ slots: 2, maxWaiting: 10 });
    const jobs = [job(), job(), job()];
    const runs = jobs.map(({ work }) => queue.run('a', work));
    await settled();
    expect([jobs.map(({ begun }) => begun), queue.active, queue.waiting]).toEqual([
      [true, true, false],
      2,
      1,
    ]);
    for (const { end } of jobs) end();
    await Promise.all(runs);
  });

  it('starts the next job when one ends', async () => {
    const queue = new FairQueue({ slots: 1, maxWaiting: 10 });
    const [first, second] = [job(), job()];
    const runs = [queue.run('a', first.work), queue.run('a', second.work)];
    first.end();
    await settled();
    expect([second.begun, queue.active, queue.waiting]).toEqual([true, 1, 0]);
    second.end();
    await Promise.all(runs);
  });

  it('starts the next job when one fails', async () => {
    const queue = new FairQueue({ slots: 1, maxWaiting: 10 });
    const [first, second] = [job(), job()];
    const failing = expect(queue.run('a', first.work)).rejects.toThrow('no');
    const running = queue.run('a', second.work);
    first.fail(new Error('no'));
    await failing;
    await settled();
    expect(second.begun).toBe(true);
    second.end();
    await running;
  });

  it('starts the next job when one throws at once', async () => {
    const queue = new FairQueue({ slots: 1, maxWaiting: 10 });
    const failing = queue.run('a', () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(queue.active).toBe(0);
  });

  it('rejects with busy and a Retry-After when all places are taken', async () => {
    const queue = new FairQueue({ slots: 1, maxWaiting: 1 });
    const [first, second] = [job(), job()];
    const runs = [queue.run('a', first.work), queue.run('a', second.work)];
    await expect(queue.run('b', async () => 1)).rejects.toMatchObject({
      code: 'busy',
      retryAfter: expect.any(Number),
    });
    first.end();
    second.end();
    await Promise.all(runs);
  });

  it('queues no jobs where maxWaiting is 0', async () => {
    const queue = new FairQueue({ slots: 1, maxWaiting: 0 });
    const first = job();
    const running = queue.run('a', first.work);
    await expect(queue.run('a', async () => 1)).rejects.toMatchObject({ code: 'busy' });
    first.end();
    await running;
  });

  it('lets clients take turns, so that a client with many jobs delays only itself', async () => {
    const queue = new FairQueue({ slots: 1, maxWaiting: 100 });
    const order: string[] = [];
    const send = (client: string, name: string) => queue.run(client, async () => void order.push(name));
    const runs = [
      ...['a1', 'a2', 'a3', 'a4'].map((name) => send('a', name)),
      ...['b1', 'b2'].map((name) => send('b', name)),
      send('c', 'c1'),
    ];
    await Promise.all(runs);
    expect(order).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  });

  it('frees the place of a client that leaves while waiting', async () => {
    const queue = new FairQueue({ slots: 1, maxWaiting: 1 });
    const [first, left] = [job(), job()];
    const running = queue.run('a', first.work);
    const leaving = new AbortController();
    const gone = expect(queue.run('b', left.work, leaving.signal)).rejects.toThrow('gone');
    leaving.abort(new Error('gone'));
    await gone;
    expect(queue.waiting).toBe(0);
    first.end();
    await running;
    await settled();
    expect([left.begun, queue.active]).toEqual([false, 0]);
  });

  it('starts nothing for a client that has left before', async () => {
    const queue = new FairQueue({ slots: 1, maxWaiting: 1 });
    const never = job();
    await expect(queue.run('a', never.work, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    expect([never.begun, queue.active]).toEqual([false, 0]);
  });

  it('lets a running job continue when its client leaves', async () => {
    const queue = new FairQueue({ slots: 1, maxWaiting: 1 });
    const first = job<number>();
    const leaving = new AbortController();
    const running = queue.run('a', first.work, leaving.signal);
    leaving.abort(new Error('gone'));
    first.end(7);
    await expect(running).resolves.toBe(7);
  });

  it('lets a job that waited and runs continue when its client leaves', async () => {
    const queue = new FairQueue({ slots: 1, maxWaiting: 1 });
    const [first, second] = [job<number>(), job<number>()];
    const leaving = new AbortController();
    const running = queue.run('a', first.work);
    const waited = queue.run('a', second.work, leaving.signal);
    first.end(1);
    await running;
    await settled();
    leaving.abort(new Error('gone'));
    second.end(2);
    await expect(waited).resolves.toBe(2);
    expect(queue.active).toBe(0);
  });

  it('keeps the turns of the others when a client between them leaves', async () => {
    const queue = new FairQueue({ slots: 1, maxWaiting: 100 });
    const order: string[] = [];
    const leaving = new AbortController();
    const send = (name: string, signal?: AbortSignal) =>
      queue.run('a', async () => void order.push(name), signal);
    const runs = [send('1'), send('2'), expect(send('3', leaving.signal)).rejects.toThrow('gone'), send('4')];
    leaving.abort(new Error('gone'));
    await Promise.all(runs);
    expect(order).toEqual(['1', '2', '4']);
  });

  it('loses no slot over a thousand jobs that end in every way', async () => {
    const queue = new FairQueue({ slots: 3, maxWaiting: 1000 });
    const runs = Array.from({ length: 1000 }, (_, index) => {
      const leaving = new AbortController();
      const run = queue.run(
        `client ${index % 7}`,
        async () => {
          if (index % 5 === 0) throw new Error('no');
        },
        leaving.signal,
      );
      if (index % 3 === 0) leaving.abort(new Error('gone'));
      return run;
    });
    await Promise.allSettled(runs);
    expect([queue.active, queue.waiting]).toEqual([0, 0]);
  });

  it('expects a wait of at least one second', () => {
    expect(new FairQueue({ slots: 20, maxWaiting: 10 }).expectedWait).toBe(1);
  });

  it('expects a longer wait the more jobs wait', async () => {
    const queue = new FairQueue({ slots: 1, maxWaiting: 10 });
    const jobs = Array.from({ length: 5 }, () => job());
    const runs = jobs.map(({ work }) => queue.run('a', work));
    expect(queue.expectedWait).toBe(5);
    for (const { end } of jobs) end();
    await Promise.all(runs);
  });
});

describe('a full queue', () => {
  /** A queue with one slot, which is taken, and that many places. */
  async function full(places: number, clients: string[]) {
    const queue = new FairQueue({ slots: 1, maxWaiting: places });
    const first = job();
    const running = queue.run('first', first.work);
    const outcomes = clients.map((client) =>
      queue.run(client, async () => 'done').catch((error: { code: string }) => error.code),
    );
    await settled();
    return {
      queue,
      outcomes,
      async end() {
        first.end();
        await running;
      },
    };
  }

  it('drops the newest job of the client with the most for a client with fewer', async () => {
    const { queue, outcomes, end } = await full(3, ['a', 'a', 'a']);
    const other = queue.run('b', async () => 'done');
    expect(await outcomes[2]).toBe('busy');
    expect(queue.waiting).toBe(3);
    await end();
    expect(await Promise.all([...outcomes, other])).toEqual(['done', 'done', 'busy', 'done']);
  });

  it('rejects a client that has as many as the others', async () => {
    const { queue, outcomes, end } = await full(4, ['a', 'a', 'b', 'b']);
    for (const client of ['a', 'b']) {
      await expect(queue.run(client, async () => 'done')).rejects.toMatchObject({ code: 'busy' });
    }
    const newcomer = queue.run('c', async () => 'done');
    await end();
    expect(await newcomer).toBe('done');
    expect((await Promise.all(outcomes)).filter((one) => one === 'busy')).toHaveLength(1);
  });

  it('gives increasing Retry-After values, up to a bound', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { queue, end } = await full(1, ['a']);
    const told = await Promise.all(
      Array.from({ length: 200 }, () =>
        queue.run('a', async () => 0).catch((error: { retryAfter: number }) => error.retryAfter),
      ),
    );
    // A second for each job, and one slot; whole seconds, so that a moment more or less can be one.
    expect(told.every((seconds, index) => Math.abs(seconds - Math.min(60, index + 1)) <= 1)).toBe(true);
    expect(told.at(-1)).toBe(60);
    await end();
  });
});

describe('the Retry-After of a rejected client', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    { jobMs: 100, slots: 20, places: 500 },
    { jobMs: 900, slots: 20, places: 500 },
    { jobMs: 300, slots: 4, places: 20 },
  ])('gets all of 2,000 clients in ($jobMs ms, $slots at once)', async ({ jobMs, slots, places }) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] });
    const queue = new FairQueue({ slots, maxWaiting: places });
    const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
    // Teaches the queue how long a job takes.
    for (let index = 0; index < 100; index += 1) {
      const job = queue.run('before', () => sleep(jobMs));
      await vi.advanceTimersByTimeAsync(jobMs);
      await job;
    }
    const tries: number[] = [];
    const visit = async (client: string) => {
      let atTheEnd = false;
      for (let count = 1; ; count += 1) {
        try {
          await queue.run(client, () => sleep(jobMs));
          // At the upper bound of a minute a client may be rejected again.
          if (!atTheEnd) tries.push(count);
          return;
        } catch (error) {
          const { retryAfter } = error as { retryAfter: number };
          atTheEnd ||= retryAfter === 60;
          await sleep(retryAfter * 1000);
        }
      }
    };
    const all = Array.from({ length: 2000 }, (_, index) => visit(`client ${index}`));
    await vi.runAllTimersAsync();
    await Promise.all(all);
    expect(tries.filter((count) => count > 2)).toEqual([]);
    expect(tries.length).toBeGreaterThan(slots + places);
    expect([queue.active, queue.waiting]).toEqual([0, 0]);
  });
});

describe('a group of clients', () => {
  /** The clients of 40 /64 in one /48, and one of another network. */
  const flood = Array.from({ length: 40 }, (_, n) => `2001:db8:1>${n}`);

  it('shares the turns of one client', async () => {
    const queue = new FairQueue({ slots: 1, maxWaiting: 100 });
    const order: string[] = [];
    const first = job();
    const runs = [queue.run('first', first.work)];
    const record = (client: string) => async () => void order.push(client);
    for (const client of flood) runs.push(queue.run(client, record(client)));
    for (let n = 0; n < 3; n += 1) runs.push(queue.run('honest', record('honest')));
    first.end();
    await Promise.all(runs);
    expect(order.lastIndexOf('honest')).toBeLessThanOrEqual(6);
    expect(order).toHaveLength(43);
  });

  it('lets its own clients take turns', async () => {
    const queue = new FairQueue({ slots: 1, maxWaiting: 100 });
    const order: string[] = [];
    const first = job();
    const runs = [queue.run('first', first.work)];
    const record = (client: string) => async () => void order.push(client);
    for (let n = 0; n < 10; n += 1) runs.push(queue.run('net>a', record('a')));
    runs.push(queue.run('net>b', record('b')));
    first.end();
    await Promise.all(runs);
    expect(order.indexOf('b')).toBeLessThanOrEqual(1);
  });

  it('loses a place in a full queue to a client outside', async () => {
    const queue = new FairQueue({ slots: 1, maxWaiting: 10 });
    const first = job();
    const runs: Promise<unknown>[] = [queue.run('first', first.work)];
    const outcomes = flood
      .slice(0, 10)
      .map((client) => queue.run(client, async () => 'done').catch(({ code }: { code: string }) => code));
    runs.push(queue.run('honest', async () => {}));
    first.end();
    await Promise.all(runs);
    expect((await Promise.all(outcomes)).filter((outcome) => outcome === 'busy')).toHaveLength(1);
    expect([queue.active, queue.waiting]).toEqual([0, 0]);
  });

  it('has four times the bounds of one client', async () => {
    const queue = new FairQueue({ slots: 100, perClient: { running: 1, total: 2 } });
    const work = job();
    const runs = flood.map((client) => queue.run(client, work.work).catch(({ code }) => code));
    await settled();
    expect([queue.active, queue.waiting]).toEqual([4, 4]);
    work.end();
    const outcomes = await Promise.all(runs);
    expect(outcomes.filter((outcome) => outcome === 'busy')).toHaveLength(32);
  });
});

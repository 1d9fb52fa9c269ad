import { describe, expect, it } from 'vitest';
import { SingleFlight } from '../../src/concurrency/index.ts';

function work() {
  let land: (value: number) => void = () => {};
  let crash: (reason: Error) => void = () => {};
  const result = new Promise<number>((resolve, reject) => {
    land = resolve;
    crash = reject;
  });
  const signals: AbortSignal[] = [];
  const begin = (signal: AbortSignal) => {
    signals.push(signal);
    return result;
  };
  return { begin, land, crash, signals };
}

describe('work for one key', () => {
  it('starts once for any number of callers', async () => {
    const flights = new SingleFlight<number>();
    const { begin, land, signals } = work();
    const asked = Array.from({ length: 100 }, () => flights.run('a', begin));
    land(7);
    expect(new Set(await Promise.all(asked))).toEqual(new Set([7]));
    expect(signals).toHaveLength(1);
  });

  it('starts once for each of several keys', async () => {
    const flights = new SingleFlight<string>();
    const both = ['a', 'b'].map((key) => flights.run(key, async () => key));
    expect(await Promise.all(both)).toEqual(['a', 'b']);
  });

  it('starts again after it has ended', async () => {
    const flights = new SingleFlight<number>();
    await flights.run('a', async () => 1);
    await expect(flights.run('a', async () => 2)).resolves.toBe(2);
  });

  it('fails for all callers', async () => {
    const flights = new SingleFlight<number>();
    const { begin, crash } = work();
    const asked = [flights.run('a', begin), flights.run('a', begin)];
    crash(new Error('no'));
    const ends = await Promise.allSettled(asked);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('is forgotten after it failed', async () => {
    const flights = new SingleFlight<number>();
    await expect(flights.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(flights.size).toBe(0);
  });

  it('continues for the others when one caller leaves', async () => {
    const flights = new SingleFlight<number>();
    const { begin, land, signals } = work();
    const leaving = new AbortController();
    const left = expect(flights.run('a', begin, leaving.signal)).rejects.toThrow('gone');
    const stays = flights.run('a', begin);
    leaving.abort(new Error('gone'));
    await left;
    expect(signals[0]?.aborted).toBe(false);
    land(7);
    await expect(stays).resolves.toBe(7);
  });

  it('is aborted when the last caller leaves', async () => {
    const flights = new SingleFlight<number>();
    const { begin, signals } = work();
    const leaving = new AbortController();
    const all = [1, 2].map(() => flights.run('a', begin, leaving.signal));
    leaving.abort(new Error('gone'));
    await Promise.allSettled(all);
    expect(signals[0]?.aborted).toBe(true);
  });

  it('cannot be joined while it is being aborted', async () => {
    const flights = new SingleFlight<number>();
    const given = work();
    const leaving = new AbortController();
    const left = expect(flights.run('a', given.begin, leaving.signal)).rejects.toThrow('gone');
    leaving.abort(new Error('gone'));
    await left;
    await expect(flights.run('a', async () => 2)).resolves.toBe(2);
  });

  it('does not start for a caller that has left before', async () => {
    const { begin, signals } = work();
    const run = new SingleFlight<number>().run('a', begin, AbortSignal.abort(new Error('gone')));
    await expect(run).rejects.toThrow('gone');
    expect(signals).toEqual([]);
  });
});

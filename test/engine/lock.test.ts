import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withEngineLock } from '../../src/engine/index.ts';

/** Linux process ids end at 2^22. */
const NO_PROCESS = 99_999_999;
const MINUTE = 60_000;

let store: string;
let lock: string;

beforeEach(() => {
  store = mkdtempSync(join(tmpdir(), 'lock-'));
  lock = join(store, 'lock');
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(store, { recursive: true });
});

const owner = (given: object = {}) =>
  JSON.stringify({ pid: process.pid, host: hostname(), at: Date.now(), token: 'other', ...given });
const take = (patienceMs = 0) => withEngineLock(store, patienceMs, () => readFileSync(lock, 'utf8'));

describe('withEngineLock', () => {
  it('holds the lock during the work and leaves no file behind', async () => {
    expect(JSON.parse(await take())).toMatchObject({ pid: process.pid, host: hostname() });
    expect(readdirSync(store)).toEqual([]);
  });

  it('removes the lock when the work throws', async () => {
    await expect(withEngineLock(store, 0, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(readdirSync(store)).toEqual([]);
  });

  it('rejects while another process holds the lock', async () => {
    writeFileSync(lock, owner());
    await expect(take(300)).rejects.toThrow('another update of the engine is under way');
    expect(readFileSync(lock, 'utf8')).toContain('other');
  });

  it.each([
    ['a dead process', { pid: NO_PROCESS }],
    ['a dead process of a version without tokens', { pid: NO_PROCESS, token: undefined }],
    ['another machine, half an hour ago', { host: 'elsewhere', at: Date.now() - 31 * MINUTE }],
  ])('replaces the lock of %s', async (_, given) => {
    writeFileSync(lock, owner(given));
    expect(await take(1000)).not.toContain('other');
    expect(readdirSync(store)).toEqual([]);
  });

  it('keeps the lock of another machine that is a minute old', async () => {
    writeFileSync(lock, owner({ host: 'elsewhere', at: Date.now() - MINUTE, pid: NO_PROCESS }));
    await expect(take()).rejects.toThrow('under way');
  });

  it('does not remove a lock that another process takes while this one looks at a stale one', async () => {
    writeFileSync(lock, owner({ pid: NO_PROCESS, token: 'stale' }));
    const { kill } = process;
    vi.spyOn(process, 'kill').mockImplementation((pid, signal) => {
      if (pid !== NO_PROCESS) return kill.call(process, pid, signal);
      writeFileSync(lock, owner({ token: 'quicker' }));
      throw Object.assign(new Error('no such process'), { code: 'ESRCH' });
    });
    await expect(take(300)).rejects.toThrow('under way');
    expect(readFileSync(lock, 'utf8')).toContain('quicker');
  });

  it('does not remove a lock that another process has taken over during the work', async () => {
    await withEngineLock(store, 0, () => writeFileSync(lock, owner({ token: 'successor' })));
    expect(existsSync(lock)).toBe(true);
    expect(readFileSync(lock, 'utf8')).toContain('successor');
  });
});

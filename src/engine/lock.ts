import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Installing and proving have their own limits, together well below this: such a lock is a dead machine's. */
const STALE_MS = 30 * 60_000;
const LOOK_AGAIN_MS = 200;

interface Owner {
  pid: number;
  host: string;
  at: number;
}

/** Somebody else changes the engines just now. */
export class EngineBusy extends Error {
  override name = 'EngineBusy';
}

/**
 * Changes to `.engine` one at a time, also by several machines that share the folder.
 * @param patienceMs how long to wait for whoever is at it
 * @throws EngineBusy after that; whatever the work throws
 */
export async function withEngineLock<T>(
  store: string,
  patienceMs: number,
  work: () => T | Promise<T>,
): Promise<T> {
  const path = join(store, 'lock');
  const end = Date.now() + patienceMs;
  while (!take(path)) {
    if (Date.now() >= end) throw new EngineBusy('another update of the engine is under way');
    await sleep(LOOK_AGAIN_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path: string): boolean {
  const owner: Owner = { pid: process.pid, host: hostname(), at: Date.now() };
  try {
    // Fails where the file is there: the one step that two cannot both succeed in.
    writeFileSync(path, JSON.stringify(owner), { flag: 'wx' });
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    if (isLeft(path)) rmSync(path, { force: true });
    return false;
  }
}

function isLeft(path: string): boolean {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8')) as Owner;
    if (Date.now() - owner.at > STALE_MS) return true;
    return owner.host === hostname() && !isAlive(owner.pid);
  } catch {
    // Gone by now, or being written this very moment.
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

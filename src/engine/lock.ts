import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Age of a lock whose owner is taken for dead; well above the time limits of installing and verifying together. */
const STALE_MS = 30 * 60_000;
const RETRY_MS = 200;

interface Owner {
  pid: number;
  host: string;
  at: number;
  token: string;
}

/** Another process changes the engines at the moment. */
export class EngineBusy extends Error {
  override name = 'EngineBusy';
}

/**
 * Runs `work` while no other process, on this machine or another one that shares the folder, changes the engines.
 * @param patienceMs how long to wait for the lock
 * @throws EngineBusy after that; whatever `work` throws
 */
export async function withEngineLock<T>(
  store: string,
  patienceMs: number,
  work: () => T | Promise<T>,
): Promise<T> {
  const path = join(store, 'lock');
  const token = randomUUID();
  const deadline = Date.now() + patienceMs;
  while (!tryLock(path, token)) {
    if (Date.now() >= deadline) throw new EngineBusy('another update of the engine is under way');
    await sleep(RETRY_MS);
  }
  try {
    return await work();
  } finally {
    removeLock(path, token);
  }
}

function tryLock(path: string, token: string): boolean {
  const owner: Owner = { pid: process.pid, host: hostname(), at: Date.now(), token };
  const draft = `${path}.${token}`;
  writeFileSync(draft, JSON.stringify(owner));
  try {
    // Creates the lock with its content, and fails where there is one.
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    const holder = readOwner(path);
    if (holder && isStale(holder)) removeLock(path, holder.token);
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Removes the lock if it still has this token. Only the process that creates the token's marker file may do so, hence
 * no process removes a lock that another one has taken meanwhile.
 */
function removeLock(path: string, token: string): void {
  const marker = `${path}.${token}.removed`;
  try {
    writeFileSync(marker, '', { flag: 'wx' });
  } catch {
    const age = Date.now() - (statSync(marker, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > STALE_MS) rmSync(marker, { force: true });
    return;
  }
  if (readOwner(path)?.token === token) rmSync(path, { force: true });
  rmSync(marker, { force: true });
}

/** Null where there is no lock. */
function readOwner(path: string): Owner | null {
  try {
    return { token: '', ...(JSON.parse(readFileSync(path, 'utf8')) as Omit<Owner, 'token'>) };
  } catch {
    return null;
  }
}

function isStale({ at, host, pid }: Owner): boolean {
  return Date.now() - at > STALE_MS || (host === hostname() && !isAlive(pid));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

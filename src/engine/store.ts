import { existsSync, lstatSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readState, writeState } from './state.ts';

/** `.engine`: one folder for each engine, and the link `current` to the one in use (scripts/setup/engine/store.mjs). */
export function engineStore(projectRoot: string): string {
  return join(projectRoot, '.engine');
}

/** Name of the folder that `current` points to; null where there is none. */
export function currentName(store: string): string | null {
  try {
    return basename(readlinkSync(join(store, 'current')));
  } catch {
    return null;
  }
}

/** One rename: whoever looks finds the one engine or the other. */
export function pointTo(store: string, name: string): void {
  const link = join(store, `.link-${process.pid}`);
  rmSync(link, { force: true });
  symlinkSync(name, link);
  renameSync(link, join(store, 'current'));
}

/**
 * Makes the engine before this one the current one again. Call it with the lock.
 * @param rejected its folder's name and version; nothing is done where it is not the current one (any more)
 * @returns the name of the engine that is current now; null where there is none to go back to
 */
export function rollBack(
  store: string,
  rejected: { name: string; version: string },
  why: string,
): string | null {
  const state = readState(store);
  if (currentName(store) !== rejected.name) return currentName(store);
  const { previous } = state;
  if (!previous || !existsSync(join(store, previous, 'engine.json'))) return null;
  pointTo(store, previous);
  const at = new Date().toISOString();
  writeState(store, {
    ...state,
    previous: null,
    rejected: [...state.rejected, { version: rejected.version, at, why }],
  });
  return previous;
}

/** Removes the engines that nobody can go back to. A running service has at most the current and the previous one. */
export function removeOld(store: string): string[] {
  const kept = new Set([currentName(store), readState(store).previous]);
  const old = readdirSync(store).filter(
    (name) => !name.startsWith('.') && !kept.has(name) && lstatSync(join(store, name)).isDirectory(),
  );
  for (const name of old) rmSync(join(store, name), { recursive: true, force: true });
  return old;
}

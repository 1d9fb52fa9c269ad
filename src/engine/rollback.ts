import { basename } from 'node:path';
import type { Engine } from './engine.ts';
import { activeEngine, candidateEngines, type EngineDirs } from './engine-dirs.ts';
import { readState, writeState } from './state.ts';
import { linkCurrent, unlinkCurrent } from './store.ts';

/**
 * Makes the next best engine the one in use. Call it with the lock.
 * @param rejected not taken again by itself; nothing is done where it is not the one in use (any more)
 * @returns the engine that is in use now; null where there is none to go back to
 */
export function rollBack(
  home: EngineDirs,
  rejected: Pick<Engine, 'dir' | 'ytdlp'>,
  why: string,
): Engine | null {
  const inUse = activeEngine(home);
  if (inUse.dir !== rejected.dir) return inUse;
  const next = candidateEngines(home).find(({ dir }) => dir !== rejected.dir);
  if (!next) return null;
  activate(home, next, [{ engine: rejected, why }]);
  return next;
}

/** One that is not taken, and why. */
export interface Rejected {
  engine: Pick<Engine, 'dir' | 'ytdlp'>;
  why: string;
}

/** Makes one of the choices the one in use, and remembers what is not to be taken. Call it with the lock. */
export function activate({ store, base }: EngineDirs, next: Engine, rejected: readonly Rejected[]): void {
  const state = readState(store);
  const at = new Date().toISOString();
  const added = rejected.map(({ engine: { ytdlp: version }, why }) => ({ version, at, why }));
  // First of all, for only a rejected base lets an older engine go before it.
  writeState(store, { ...state, previous: null, rejected: [...state.rejected, ...added] });
  if (next.dir === base?.dir) unlinkCurrent(store);
  else linkCurrent(store, basename(next.dir));
}

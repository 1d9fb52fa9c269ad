import { basename } from 'node:path';
import type { Engine } from './engine.ts';
import { activeEngine, candidateEngines, type EngineDirs } from './engine-dirs.ts';
import { readState, writeState } from './state.ts';
import { linkCurrent, unlinkCurrent } from './store.mjs';

/**
 * Rejects an engine and activates the next best one. The caller holds the lock.
 * @param rejected nothing happens where it is not the active engine (any more)
 * @returns the active engine; null where there is none to go back to
 */
export function rollBack(
  dirs: EngineDirs,
  rejected: Pick<Engine, 'dir' | 'ytdlp'>,
  why: string,
): Engine | null {
  const active = activeEngine(dirs);
  if (active.dir !== rejected.dir) return active;
  const next = candidateEngines(dirs).find(({ dir }) => dir !== rejected.dir);
  if (!next) return null;
  activate(dirs, next, [{ engine: rejected, why }]);
  return next;
}

export interface RejectedEngine {
  engine: Pick<Engine, 'dir' | 'ytdlp'>;
  why: string;
}

/** Makes one of the candidates the active engine, and records the rejected ones. The caller holds the lock. */
export function activate(
  { store, base }: EngineDirs,
  next: Engine,
  rejected: readonly RejectedEngine[],
): void {
  const state = readState(store);
  const at = new Date().toISOString();
  const added = rejected.map(({ engine: { ytdlp: version }, why }) => ({ version, at, why }));
  // Before the link: an older engine ranks above the base only once the base is rejected.
  writeState(store, { ...state, previous: null, rejected: [...state.rejected, ...added] });
  if (next.dir === base?.dir) unlinkCurrent(store);
  else linkCurrent(store, basename(next.dir));
}

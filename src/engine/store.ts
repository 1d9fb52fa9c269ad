import {
  accessSync,
  constants,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { readState } from './state.ts';

/** The project's own: one folder for each engine, and the link `current` to one (scripts/setup/engine/store.mjs). */
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
export function linkCurrent(store: string, name: string): void {
  const link = join(store, `.link-${process.pid}`);
  rmSync(link, { force: true });
  symlinkSync(name, link);
  renameSync(link, join(store, 'current'));
}

/** Without a link the project's own engine is the one in use; see EngineHome. */
export function unlinkCurrent(store: string): void {
  rmSync(join(store, 'current'), { force: true });
}

/** Makes the folder where it is missing. @returns why updates cannot go there; null where they can */
export function writeProblem(store: string): string | null {
  try {
    mkdirSync(store, { recursive: true });
    accessSync(store, constants.W_OK);
    return null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    return `${store} cannot be written to (${code})`;
  }
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

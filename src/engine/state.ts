import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const stateSchema = z.object({
  /** Name of the engine folder to go back to. */
  previous: z.string().nullable(),
  /** Engines that did worse than the one before, newest last; automatic updates skip them. */
  rejected: z.array(z.object({ version: z.string(), at: z.string(), why: z.string() })),
  /** The newest yt-dlp that the last check found. */
  newest: z.object({ version: z.string(), seen: z.iso.datetime() }).nullable(),
});

/** `state.json` in the store, shared by all instances that share the folder. */
export type EngineState = z.infer<typeof stateSchema>;

const MAX_REJECTED = 20;

/** A missing or invalid file counts as an empty state. */
export function readState(store: string): EngineState {
  const empty: EngineState = { previous: null, rejected: [], newest: null };
  try {
    return stateSchema.safeParse(JSON.parse(readFileSync(statePath(store), 'utf8'))).data ?? empty;
  } catch {
    return empty;
  }
}

/** The caller holds the lock. */
export function writeState(store: string, state: EngineState): void {
  const draft = `${statePath(store)}.${process.pid}`;
  const kept = { ...state, rejected: state.rejected.slice(-MAX_REJECTED) };
  writeFileSync(draft, `${JSON.stringify(kept, null, 2)}\n`);
  renameSync(draft, statePath(store));
}

function statePath(store: string): string {
  return join(store, 'state.json');
}

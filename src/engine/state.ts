import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const stateSchema = z.object({
  /** Name of the engine's folder to go back to. */
  previous: z.string().nullable(),
  /** Engines that proved worse, newest last. They are not tried again by themselves. */
  rejected: z.array(z.object({ version: z.string(), at: z.string(), why: z.string() })),
  /** The newest yt-dlp that the last look found. */
  newest: z.object({ version: z.string(), seen: z.iso.datetime() }).nullable(),
});

/** What is remembered beside the engines, in `.engine/state.json`, by all instances that share the folder. */
export type EngineState = z.infer<typeof stateSchema>;

const MAX_REJECTED = 20;

/** Nothing remembered counts as an empty memory, and so does what nobody of us wrote. */
export function readState(store: string): EngineState {
  const empty: EngineState = { previous: null, rejected: [], newest: null };
  try {
    return stateSchema.safeParse(JSON.parse(readFileSync(statePath(store), 'utf8'))).data ?? empty;
  } catch {
    return empty;
  }
}

/** Call it with the lock. */
export function writeState(store: string, state: EngineState): void {
  const passing = `${statePath(store)}.${process.pid}`;
  const kept = { ...state, rejected: state.rejected.slice(-MAX_REJECTED) };
  writeFileSync(passing, `${JSON.stringify(kept, null, 2)}\n`);
  renameSync(passing, statePath(store));
}

function statePath(store: string): string {
  return join(store, 'state.json');
}

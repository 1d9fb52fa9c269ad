import type { Logger } from 'pino';
import type { Engine } from './engine.ts';
import { activeEngine, type EngineDirs } from './engine-dirs.ts';
import { withEngineLock } from './lock.ts';
import { rollBack } from './rollback.ts';
import { type EngineState, readState } from './state.ts';
import { hasVersion } from './versions.mjs';

/** Polled, because file watching does not work on every shared file system. */
const POLL_MS = 2000;
const LOCK_PATIENCE_MS = 60_000;

/** The part of the extractor that changes engines. */
export interface EngineUser {
  readonly status: { engine: Engine | null };
  switchTo(engine: Engine, options: { trial: boolean }): Promise<void>;
  onRejection(listener: (rejected: Engine, why: string) => void): void;
}

export interface EngineStatus {
  /** The newest version that the last update check found; null before the first one. */
  newest_known: string | null;
  /** Time of that check, Unix seconds. */
  newest_seen: number | null;
  /** Versions that did worse than the one before; automatic updates skip them. */
  rejected: string[];
  /** A sentence for the operator; null when all is well. */
  problem: string | null;
}

/**
 * Switches the extractor to the active engine whenever an update, a rollback or another instance changes it. A new engine
 * that does worse than the one before is rolled back for all instances that share the store.
 */
export class EngineWatcher {
  readonly #dirs: EngineDirs;
  readonly #user: EngineUser;
  readonly #log: Logger;
  /** Folder of the active engine at the last poll. */
  #lastDir: string | null;
  #state: EngineState;
  #timer: NodeJS.Timeout | null = null;
  #problem: string | null = null;
  #rejections = 0;

  constructor(options: { dirs: EngineDirs; user: EngineUser; log: Logger }) {
    this.#dirs = options.dirs;
    this.#user = options.user;
    this.#log = options.log;
    this.#lastDir = this.#active()?.dir ?? null;
    this.#state = readState(this.#dirs.store);
    options.user.onRejection((engine, why) => void this.#reject(engine, why));
  }

  get status(): EngineStatus {
    const { newest, rejected } = this.#state;
    return {
      newest_known: newest?.version ?? null,
      newest_seen: newest && Date.parse(newest.seen) / 1000,
      rejected: rejected.map(({ version }) => version),
      problem: this.#problem,
    };
  }

  /** Number of engines that this instance has rejected. */
  get rejections(): number {
    return this.#rejections;
  }

  start(): void {
    this.#timer = setTimeout(async () => {
      await this.#poll();
      this.start();
    }, POLL_MS).unref();
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
  }

  async #poll(): Promise<void> {
    const engine = this.#active();
    this.#state = readState(this.#dirs.store);
    if (engine === null || engine.dir === this.#lastDir) return;
    this.#lastDir = engine.dir;
    const running = this.#user.status.engine;
    if (engine.dir === running?.dir) return;
    await this.#switchTo(engine, running);
  }

  /** Null while the folder is missing or being repaired; the running engine stays. */
  #active(): Engine | null {
    try {
      return activeEngine(this.#dirs);
    } catch {
      return null;
    }
  }

  async #switchTo(engine: Engine, running: Engine | null): Promise<void> {
    const { rejected } = this.#state;
    // A rollback needs no trial beside the engine that was rejected.
    const trial = !(running && hasVersion(running.ytdlp, rejected));
    const change = { from: running?.ytdlp, to: engine.ytdlp, trial };
    try {
      await this.#user.switchTo(engine, { trial });
      this.#problem = null;
      this.#log.info(change, 'engine switched');
    } catch (error) {
      const why = `it did not start: ${error instanceof Error ? error.message : String(error)}`;
      this.#log.warn({ ...change, why }, 'new engine failed to start');
      await this.#reject(engine, why);
    }
  }

  /** The extractor is back on the previous engine by now. */
  async #reject(engine: Engine, why: string): Promise<void> {
    const { store } = this.#dirs;
    const { ytdlp: version } = engine;
    this.#rejections += 1;
    this.#log.warn({ version, why }, 'new engine rejected');
    try {
      const next = await withEngineLock(store, LOCK_PATIENCE_MS, () => rollBack(this.#dirs, engine, why));
      this.#problem = next
        ? null
        : `yt-dlp ${version} was rejected (${why}) and no other version is installed: try \`npm run engine:update\``;
    } catch (err) {
      this.#problem = `yt-dlp ${version} was rejected (${why}), but the engine folder cannot be changed`;
      this.#log.error({ err }, 'engine rollback failed');
    }
  }
}

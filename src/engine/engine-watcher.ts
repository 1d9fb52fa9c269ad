import type { Logger } from 'pino';
import type { Engine } from './engine.ts';
import { activeEngine, type EngineDirs } from './engine-dirs.ts';
import { withEngineLock } from './lock.ts';
import { rollBack } from './rollback.ts';
import { type EngineState, readState } from './state.ts';
import { hasVersion } from './versions.ts';

/** Reading one link. Watching a folder does not work on every shared file system. */
const LOOK_EVERY_MS = 2000;
const LOCK_PATIENCE_MS = 60_000;

/** The part of the extractor that changes engines. */
export interface EngineUser {
  readonly status: { engine: Engine | null };
  switchTo(engine: Engine, options: { trial: boolean }): Promise<void>;
  onRejection(listener: (rejected: Engine, why: string) => void): void;
}

export interface EngineStatus {
  /** What the last look for updates found; null where nobody has looked. */
  newest_known: string | null;
  /** When that was, Unix seconds: an old look says little. */
  newest_seen: number | null;
  /** Versions that proved worse here and are not tried again by themselves. */
  rejected: string[];
  /** In words, for a person; null when all is well. */
  problem: string | null;
}

/**
 * Follows the engine in use: whoever changes it, an update, a rollback or another instance, the workers are handed over
 * without a restart. A new engine that does worse than the one before is taken back, for all instances.
 */
export class EngineWatcher {
  readonly #home: EngineDirs;
  readonly #user: EngineUser;
  readonly #log: Logger;
  /** The folder of the engine that was last found in use; null for none. */
  #seen: string | null;
  #state: EngineState;
  #timer: NodeJS.Timeout | null = null;
  #problem: string | null = null;
  #rejections = 0;

  constructor(options: { home: EngineDirs; user: EngineUser; log: Logger }) {
    this.#home = options.home;
    this.#user = options.user;
    this.#log = options.log;
    this.#seen = this.#inUse()?.dir ?? null;
    this.#state = readState(this.#home.store);
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

  /** Engines taken back by this instance. */
  get rejections(): number {
    return this.#rejections;
  }

  start(): void {
    this.#timer = setTimeout(async () => {
      await this.#look();
      this.start();
    }, LOOK_EVERY_MS).unref();
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const engine = this.#inUse();
    this.#state = readState(this.#home.store);
    if (engine === null || engine.dir === this.#seen) return;
    this.#seen = engine.dir;
    const running = this.#user.status.engine;
    if (engine.dir === running?.dir) return;
    await this.#switchTo(engine, running);
  }

  /** Null while somebody mends the folder, or removed it: what works goes on. */
  #inUse(): Engine | null {
    try {
      return activeEngine(this.#home);
    } catch {
      return null;
    }
  }

  async #switchTo(engine: Engine, running: Engine | null): Promise<void> {
    const { rejected } = this.#state;
    // Back to what was there before needs no trial, least of all beside what was found to be worse.
    const trial = !(running && hasVersion(running.ytdlp, rejected));
    const change = { from: running?.ytdlp, to: engine.ytdlp, trial };
    try {
      await this.#user.switchTo(engine, { trial });
      this.#problem = null;
      this.#log.info(change, 'the engine was changed');
    } catch (error) {
      const why = `it did not start: ${error instanceof Error ? error.message : String(error)}`;
      this.#log.error({ ...change, why }, 'the new engine was not taken');
      await this.#reject(engine, why);
    }
  }

  /** The workers are back on the former engine already. */
  async #reject(engine: Engine, why: string): Promise<void> {
    const { store } = this.#home;
    const { ytdlp: version } = engine;
    this.#rejections += 1;
    this.#log.error({ version, why }, 'the new engine was taken back');
    try {
      const next = await withEngineLock(store, LOCK_PATIENCE_MS, () => rollBack(this.#home, engine, why));
      this.#problem = next
        ? null
        : `yt-dlp ${version} is no good (${why}), and there is no other: try \`npm run engine:update\``;
    } catch (err) {
      this.#problem = `yt-dlp ${version} is no good (${why}), but the engines' folder could not be changed`;
      this.#log.error({ err }, 'the engine folder could not be changed');
    }
  }
}

import type { Engine } from '../engine/index.ts';
import { EngineComparison, mayBeEngineFault } from './engine-comparison.ts';
import { type HostOptions, HostProcess } from './host-process.ts';
import type { Hello } from './protocol.ts';
import type { WorkerResult, WorkerTask } from './worker.ts';

interface RunningHost {
  engine: Engine;
  host: HostProcess;
  /** Jobs begun on it and not ended. */
  jobs: number;
  /** No new jobs; closed with its last one. */
  leaving: boolean;
  /** Its engine did worse than the one before. */
  rejected: boolean;
}

export interface HostSwitcherOptions extends Omit<HostOptions, 'engine' | 'socketName'> {
  /** Has a worker thread do a job. */
  perform: (task: WorkerTask) => Promise<WorkerResult>;
}

/** A new engine did worse than the one before it, which works again. */
export type RejectionListener = (rejected: Engine, why: string) => void;

/**
 * The yt-dlp host that new jobs go to and, while an engine is being changed, the one before it. A job ends on the host
 * that it began on, and a host is closed when its last job has ended, so a change costs nobody a request.
 */
export class HostSwitcher {
  readonly #options: HostSwitcherOptions;
  #current: RunningHost | null = null;
  #former: RunningHost | null = null;
  #trial: EngineComparison | null = null;
  readonly #leaving = new Set<RunningHost>();
  #restartsOfThePast = 0;
  #started = 0;
  onRejection: RejectionListener = () => {};

  constructor(options: HostSwitcherOptions) {
    this.#options = options;
  }

  /** @throws when the host does not start: wrong engine, protocol, or no answer in time */
  async start(engine: Engine): Promise<void> {
    this.#current = await this.#launch(engine);
  }

  get hello(): Hello | null {
    return this.#current?.host.hello ?? null;
  }

  get engine(): Engine | null {
    return this.#current?.engine ?? null;
  }

  get restarts(): number {
    return this.#restartsOfThePast + (this.#current?.host.restarts ?? 0) + (this.#former?.host.restarts ?? 0);
  }

  /** How a new engine is doing; null when none is on trial. */
  get trial(): EngineComparison['status'] | null {
    return this.#trial?.status ?? null;
  }

  async run(task: Omit<WorkerTask, 'socketPath'>): Promise<WorkerResult> {
    const used = this.#inUse();
    const result = await this.#on(used, task);
    const trial = this.#trial;
    const former = this.#former;
    if (used.rejected && !result.ok && mayBeEngineFault(result.code)) {
      // Its engine was sent away while it ran; the one that works again has not had its go.
      return this.#on(this.#inUse(), task);
    }
    if (!trial || !former) return result;
    if (result.ok) {
      trial.recordSuccess();
      this.#judge(trial);
      return result;
    }
    if (!mayBeEngineFault(result.code)) return result;
    const second = await this.#on(former, task);
    if (!second.ok) return result;
    trial.recordFailure();
    this.#judge(trial);
    return second;
  }

  /**
   * New jobs go to another engine from now on. The one before stays at hand until the new one has proved itself; for
   * an engine that is known (a rollback) there is no trial.
   * @throws when the new host does not start; then nothing has changed
   */
  async switchTo(engine: Engine, { trial }: { trial: boolean }): Promise<void> {
    const next = this.#former?.engine.dir === engine.dir ? this.#former : await this.#launch(engine);
    const before = this.#inUse();
    if (this.#former && this.#former !== next) this.#leave(this.#former);
    this.#current = next;
    this.#former = trial ? before : null;
    this.#trial = trial ? new EngineComparison() : null;
    if (!trial) this.#leave(before);
  }

  /** Ends all hosts; resolves when they and their children are gone. */
  async close(): Promise<void> {
    const all = [this.#current, this.#former, ...this.#leaving];
    await Promise.all(all.map((one) => one?.host.close()));
  }

  async #launch(engine: Engine): Promise<RunningHost> {
    this.#started += 1;
    const { perform: _, ...options } = this.#options;
    const host = new HostProcess({ ...options, engine, socketName: `ytdlp-${this.#started}.sock` });
    try {
      await host.start();
    } catch (error) {
      await host.close();
      throw error;
    }
    return { engine, host, jobs: 0, leaving: false, rejected: false };
  }

  async #on(running: RunningHost, task: Omit<WorkerTask, 'socketPath'>): Promise<WorkerResult> {
    running.jobs += 1;
    try {
      return await this.#options.perform({ ...task, socketPath: running.host.socketPath });
    } finally {
      running.jobs -= 1;
      if (running.leaving && running.jobs === 0) this.#end(running);
    }
  }

  #judge(trial: EngineComparison): void {
    const verdict = trial.result();
    if (!verdict || this.#trial !== trial || !this.#former) return;
    const rejected = this.#inUse();
    const former = this.#former;
    this.#trial = null;
    this.#former = null;
    if (verdict === 'good') {
      this.#leave(former);
      return;
    }
    this.#current = former;
    rejected.rejected = true;
    this.#leave(rejected);
    this.onRejection(rejected.engine, trial.summary);
  }

  #leave(running: RunningHost): void {
    running.leaving = true;
    this.#leaving.add(running);
    if (running.jobs === 0) this.#end(running);
  }

  #end(running: RunningHost): void {
    this.#restartsOfThePast += running.host.restarts;
    void running.host.close().finally(() => this.#leaving.delete(running));
  }

  #inUse(): RunningHost {
    if (!this.#current) throw new Error('no host has been started');
    return this.#current;
  }
}

import type { Engine } from '../engine/index.ts';
import { EngineComparison, isSuspect } from './engine-comparison.ts';
import { type HostOptions, HostProcess } from './host-process.ts';
import type { Hello } from './protocol.ts';
import type { ExtractTask, WorkerResult } from './worker.ts';

interface RunningHost {
  engine: Engine;
  host: HostProcess;
  /** Jobs that have begun and not ended. */
  jobs: number;
  /** Takes no new jobs and closes with its last one. */
  draining: boolean;
  /** Its engine did worse than the previous one. */
  rejected: boolean;
}

export interface HostSwitcherOptions extends Omit<HostOptions, 'engine' | 'socketName'> {
  /** Runs a job in a worker thread. */
  perform: (task: ExtractTask) => Promise<WorkerResult>;
}

/** Called when a new engine did worse than the previous one, which works again. */
export type RejectionListener = (rejected: Engine, why: string) => void;

/**
 * The yt-dlp host that new jobs go to and, while an engine is being changed, the previous one. A job ends on the host
 * that it began on, and a host closes when its last job has ended, so a change fails no request.
 */
export class HostSwitcher {
  readonly #options: HostSwitcherOptions;
  #current: RunningHost | null = null;
  #previous: RunningHost | null = null;
  #comparison: EngineComparison | null = null;
  readonly #draining = new Set<RunningHost>();
  #pastRestarts = 0;
  #started = 0;
  readonly #listeners = new Set<RejectionListener>();

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
    return this.#pastRestarts + (this.#current?.host.restarts ?? 0) + (this.#previous?.host.restarts ?? 0);
  }

  /** How a new engine does; null when none is compared. */
  get trial(): EngineComparison['status'] | null {
    return this.#comparison?.status ?? null;
  }

  /** The socket that new jobs go to. */
  get socketPath(): string {
    return this.#active().host.socketPath;
  }

  onRejection(listener: RejectionListener): void {
    this.#listeners.add(listener);
  }

  async run(task: Omit<ExtractTask, 'socketPath'>): Promise<WorkerResult> {
    const used = this.#active();
    const result = await this.#runOn(used, task);
    const comparison = this.#comparison;
    const previous = this.#previous;
    // Its engine was rejected while the job ran: one try on the restored one.
    if (used.rejected && isSuspect(result)) return this.#runOn(this.#active(), task);
    if (!comparison || !previous) return result;
    if (!isSuspect(result)) {
      if (result.ok) comparison.recordSuccess();
      this.#decide(comparison);
      return result;
    }
    const second = await this.#runOn(previous, task);
    if (!second.ok || isSuspect(second)) return result;
    comparison.recordFailure();
    this.#decide(comparison);
    return second;
  }

  /**
   * Sends new jobs to another engine. The previous one stays until the comparison with it has ended; a known engine
   * (a rollback) is not compared.
   * @throws when the new host does not start; then nothing has changed
   */
  async switchTo(engine: Engine, { trial }: { trial: boolean }): Promise<void> {
    const next = this.#previous?.engine.dir === engine.dir ? this.#previous : await this.#launch(engine);
    const before = this.#active();
    if (this.#previous && this.#previous !== next) this.#drain(this.#previous);
    this.#current = next;
    this.#previous = trial ? before : null;
    this.#comparison = trial ? new EngineComparison() : null;
    if (!trial) this.#drain(before);
  }

  /** Ends all hosts; resolves when they and their children are gone. */
  async close(): Promise<void> {
    const all = [this.#current, this.#previous, ...this.#draining];
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
    return { engine, host, jobs: 0, draining: false, rejected: false };
  }

  async #runOn(running: RunningHost, task: Omit<ExtractTask, 'socketPath'>): Promise<WorkerResult> {
    running.jobs += 1;
    try {
      return await this.#options.perform({ ...task, socketPath: running.host.socketPath });
    } finally {
      running.jobs -= 1;
      if (running.draining && running.jobs === 0) this.#end(running);
    }
  }

  #decide(comparison: EngineComparison): void {
    const result = comparison.result();
    if (!result || this.#comparison !== comparison || !this.#previous) return;
    const current = this.#active();
    const previous = this.#previous;
    this.#comparison = null;
    this.#previous = null;
    if (result === 'good') {
      this.#drain(previous);
      return;
    }
    this.#current = previous;
    current.rejected = true;
    this.#drain(current);
    for (const listener of this.#listeners) listener(current.engine, comparison.summary);
  }

  #drain(running: RunningHost): void {
    running.draining = true;
    this.#draining.add(running);
    if (running.jobs === 0) this.#end(running);
  }

  #end(running: RunningHost): void {
    this.#pastRestarts += running.host.restarts;
    void running.host.close().finally(() => this.#draining.delete(running));
  }

  #active(): RunningHost {
    if (!this.#current) throw new Error('no host has been started');
    return this.#current;
  }
}

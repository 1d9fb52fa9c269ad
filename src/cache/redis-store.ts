import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { describeRedisError, isReply } from './redis-error.ts';

/** A healthy Redis answers within a millisecond; a visitor must not wait longer than this for a sick one. */
const ANSWER_LIMIT_MS = 250;

const STEPS = 5;

/** So many commands in a row without an answer mean that Redis is gone, not that one was unlucky. */
const GONE_AFTER = 3;

/** How often a Redis that is gone is asked whether it is back. */
const PROBE_EVERY_MS = 1000;

/** The start waits this long for the connection, so that the first requests already share; then goes on without. */
const START_LIMIT_MS = 500;

const COMPLAIN_EVERY_MS = 60_000;

/** Refusals come with commands, and a quiet service sends few: one stands for so long. */
const REFUSING_MS = 60_000;

/** The number counts up when the form of what lies under the keys changes. */
const KEY_PREFIX = 'ttdl:1:';

export interface RedisStatus {
  /** `refusing`: it answers, but with errors; it is still asked, for a full one serves what it has. */
  state: 'up' | 'refusing' | 'down';
  /** Unix milliseconds. */
  since: number;
  /** What is wrong, in words; null while it is up. */
  problem: string | null;
  /** Commands that got no answer in time, or lost their connection. */
  unanswered: number;
  /** Commands that were not even tried, because it was down. */
  skipped: number;
  /** Error replies, such as OOM of a full one. */
  refused: number;
  /** Values under our keys that are not ours. */
  garbage: number;
  /** Times it went away. */
  outages: number;
}

const NOT_YET = 'no connection yet';

/**
 * A Redis that the service can do without. Every command has an answer in time: the one of Redis, or null. Once it
 * does not answer, nobody waits for it any more until it answers a probe.
 */
export class RedisStore {
  readonly #redis: Redis;
  readonly #log: Logger;
  readonly #counts = { unanswered: 0, skipped: 0, refused: 0, garbage: 0, outages: 0 };
  #inARow = 0;
  #complainedAt = 0;
  #up = false;
  #since = Date.now();
  /** Why it is down, while it is. */
  #problem = NOT_YET;
  #refusal: Refusal | null = null;
  #probe: NodeJS.Timeout | null = null;

  /** @param url redis:// or rediss:// address, credentials included */
  static async open(url: string, log: Logger): Promise<RedisStore> {
    const memory = new RedisStore(url, log);
    await memory.#start();
    return memory;
  }

  private constructor(url: string, log: Logger) {
    this.#log = log;
    this.#redis = new Redis(url, {
      keyPrefix: KEY_PREFIX,
      lazyConnect: true,
      // Nothing waits for a connection: whoever asks while there is none goes on without.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      // One write to the socket for all commands of a turn of the event loop.
      enableAutoPipelining: true,
      connectTimeout: 2000,
      retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, PROBE_EVERY_MS),
    });
    // Each failed attempt to connect, a wrong password included; without a listener it would be uncaught.
    this.#redis.on('error', (error) => this.#failed(error));
    this.#redis.on('ready', () => this.#found());
    this.#redis.on('close', () => this.#lost('the connection closed'));
  }

  get status(): RedisStatus {
    return { ...this.#state(), ...this.#counts };
  }

  /** A value was read that nobody of us wrote. */
  sawGarbage(): void {
    this.#counts.garbage += 1;
  }

  /** The answer, or null where there is none in time, or an error. Never throws. */
  async run<T>(command: (redis: Redis) => Promise<T>): Promise<T | null> {
    if (!this.#up) {
      this.#counts.skipped += 1;
      return null;
    }
    try {
      const answer = await inTime(command(this.#redis));
      this.#inARow = 0;
      return answer;
    } catch (error) {
      if (error instanceof Error && isReply(error)) {
        // It answers, so it is there: a full one still serves what it has.
        this.#inARow = 0;
        this.#refused(error);
      } else {
        this.#counts.unanswered += 1;
        this.#inARow += 1;
        if (this.#inARow >= GONE_AFTER) this.#lost('it does not answer');
      }
      return null;
    }
  }

  close(): void {
    if (this.#probe) clearInterval(this.#probe);
    this.#redis.removeAllListeners('close');
    this.#redis.disconnect();
  }

  async #start(): Promise<void> {
    const connected = this.#redis.connect().catch(() => {});
    const limit = new Promise<void>((resolve) => setTimeout(resolve, START_LIMIT_MS));
    await Promise.race([connected, limit]);
    if (this.#problem === NOT_YET)
      this.#log.warn('Redis does not answer yet: going on without it until it does');
  }

  #state(): Pick<RedisStatus, 'state' | 'since' | 'problem'> {
    if (!this.#up) return { state: 'down', since: this.#since, problem: this.#problem };
    const refusal = this.#refusal;
    if (refusal && Date.now() - refusal.last < REFUSING_MS) {
      return { state: 'refusing', since: refusal.since, problem: refusal.problem };
    }
    return { state: 'up', since: this.#since, problem: null };
  }

  /** An attempt to connect has failed. */
  #failed(error: Error): void {
    const problem = describeRedisError(error);
    if (this.#up || problem === this.#problem) return;
    this.#problem = problem;
    this.#log.warn({ reason: problem }, 'Redis cannot be used: going on without it until it can');
  }

  #found(): void {
    if (this.#probe) clearInterval(this.#probe);
    this.#probe = null;
    this.#inARow = 0;
    if (this.#up) return;
    this.#log.info({ downMs: Date.now() - this.#since }, 'Redis is there');
    this.#up = true;
    this.#since = Date.now();
    this.#refusal = null;
  }

  #lost(reason: string): void {
    if (!this.#up) return;
    this.#log.warn({ reason }, 'Redis is gone: going on without it');
    this.#up = false;
    this.#since = Date.now();
    this.#problem = reason;
    this.#counts.outages += 1;
    // A lost connection comes back by itself ('ready'); one that is only silent has to be asked.
    this.#probe ??= setInterval(() => this.#ping(), PROBE_EVERY_MS).unref();
  }

  #refused(error: Error): void {
    this.#counts.refused += 1;
    // Something that is not ours lies under a key of ours: that is no fault of Redis's.
    if (error.message.startsWith('WRONGTYPE')) return;
    const now = Date.now();
    const problem = describeRedisError(error);
    const since = this.#state().state === 'refusing' && this.#refusal ? this.#refusal.since : now;
    this.#refusal = { since, last: now, problem };
    // It has to be seen, but not a thousand times a second.
    if (now - this.#complainedAt < COMPLAIN_EVERY_MS) return;
    this.#complainedAt = now;
    this.#log.warn({ reason: problem }, 'Redis refuses a command');
  }

  #ping(): void {
    if (this.#redis.status !== 'ready') return;
    inTime(this.#redis.ping()).then(
      () => this.#found(),
      () => {},
    );
  }
}

interface Refusal {
  /** Unix milliseconds of the first of them, and of the last. */
  since: number;
  last: number;
  problem: string;
}

class Unanswered extends Error {
  override name = 'Unanswered';
}

/**
 * Our own clock: ioredis's `commandTimeout` takes a busy event loop of ours for a slow Redis. This one goes in steps,
 * each of which begins when the one before has ended: a turn of the loop that takes half a second counts as one.
 */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    const step = (left: number) => {
      timer = setTimeout(() => {
        if (left > 1) step(left - 1);
        // What has arrived meanwhile is read before this.
        else setImmediate(() => reject(new Unanswered()));
      }, ANSWER_LIMIT_MS / STEPS);
    };
    step(STEPS);
  });
  try {
    return await Promise.race([answer, limit]);
  } finally {
    clearTimeout(timer);
  }
}

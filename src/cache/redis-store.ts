import type { Logger } from 'pino';
import { createRedis, MAX_RECONNECT_MS, type RedisClient } from './redis-connection.ts';
import { describeRedisError, isReply } from './redis-error.ts';

/** Milliseconds that a command may take; a healthy Redis needs one. */
const COMMAND_LIMIT_MS = 250;

/** Timer steps of COMMAND_LIMIT_MS; see `withinLimit`. */
const STEPS = 5;

/** Commands in a row without a reply after which Redis counts as down. */
const DOWN_AFTER = 3;

/** Milliseconds that the start waits for the connection. */
const START_LIMIT_MS = 500;

/** Milliseconds between two log lines about refused commands. */
const LOG_EVERY_MS = 60_000;

/** Milliseconds that one error reply keeps the state at `refusing`; a quiet service sends few commands. */
const REFUSING_MS = 60_000;

export interface RedisStatus {
  /** `refusing`: it replies with errors; it is still used, as a full Redis serves what it has. */
  state: 'up' | 'refusing' | 'down';
  /** Unix milliseconds. */
  since: number;
  /** What is wrong; null while it is up. */
  problem: string | null;
  /** Commands without a reply in time, or whose connection was lost. */
  unanswered: number;
  /** Commands that were not sent, because it was down. */
  skipped: number;
  /** Error replies, such as OOM. */
  refused: number;
  /** Values under our keys that do not parse. */
  garbage: number;
  /** Times that it went down. */
  outages: number;
}

const NOT_CONNECTED = 'no connection yet';

/**
 * A Redis that the service can do without. Every command resolves in time, to the reply or to null. While Redis is
 * down no command is sent; a ping every MAX_RECONNECT_MS finds out when it is back.
 */
export class RedisStore {
  readonly #redis: RedisClient;
  readonly #log: Logger;
  readonly #counts = { unanswered: 0, skipped: 0, refused: 0, garbage: 0, outages: 0 };
  /** Commands without a reply since the last reply. */
  #unanswered = 0;
  #loggedAt = 0;
  #up = false;
  #since = Date.now();
  /** Why it is down, while it is. */
  #problem = NOT_CONNECTED;
  #refusal: Refusal | null = null;
  #probe: NodeJS.Timeout | null = null;

  /** @param url and extraCa as for `createRedis` */
  static async open(url: string, log: Logger, extraCa: readonly string[] = []): Promise<RedisStore> {
    const store = new RedisStore(url, log, extraCa);
    await store.#start();
    return store;
  }

  private constructor(url: string, log: Logger, extraCa: readonly string[]) {
    this.#log = log;
    this.#redis = createRedis(url, extraCa);
    // Each failed attempt to connect, also with a wrong password.
    this.#redis.on('error', (error) => this.#connectFailed(error));
    this.#redis.on('ready', () => this.#setUp());
    this.#redis.on('close', () => this.#setDown('the connection closed'));
  }

  get status(): RedisStatus {
    return { ...this.#state(), ...this.#counts };
  }

  /** Counts a value under our keys that does not parse. */
  countGarbage(): void {
    this.#counts.garbage += 1;
  }

  /** The reply, or null where there is an error or no reply in time. Never throws. */
  async run<T>(command: (redis: RedisClient) => Promise<T>): Promise<T | null> {
    if (!this.#up) {
      this.#counts.skipped += 1;
      return null;
    }
    try {
      const reply = await withinLimit(command(this.#redis));
      this.#unanswered = 0;
      return reply;
    } catch (error) {
      if (error instanceof Error && isReply(error)) {
        this.#unanswered = 0;
        this.#refused(error);
      } else {
        this.#counts.unanswered += 1;
        this.#unanswered += 1;
        if (this.#unanswered >= DOWN_AFTER) this.#setDown('it does not reply');
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
    if (this.#problem === NOT_CONNECTED) this.#log.warn('Redis does not reply yet: continuing without it');
  }

  #state(): Pick<RedisStatus, 'state' | 'since' | 'problem'> {
    if (!this.#up) return { state: 'down', since: this.#since, problem: this.#problem };
    const refusal = this.#refusal;
    if (refusal && Date.now() - refusal.last < REFUSING_MS) {
      return { state: 'refusing', since: refusal.since, problem: refusal.problem };
    }
    return { state: 'up', since: this.#since, problem: null };
  }

  #connectFailed(error: Error): void {
    const problem = describeRedisError(error);
    if (this.#up || problem === this.#problem) return;
    this.#problem = problem;
    this.#log.warn({ reason: problem }, 'Redis cannot be used: continuing without it');
  }

  #setUp(): void {
    if (this.#probe) clearInterval(this.#probe);
    this.#probe = null;
    this.#unanswered = 0;
    if (this.#up) return;
    this.#log.info({ downMs: Date.now() - this.#since }, 'Redis is up');
    this.#up = true;
    this.#since = Date.now();
    this.#refusal = null;
  }

  #setDown(reason: string): void {
    if (!this.#up) return;
    this.#log.warn({ reason }, 'Redis is down: continuing without it');
    this.#up = false;
    this.#since = Date.now();
    this.#problem = reason;
    this.#counts.outages += 1;
    // A lost connection reconnects by itself ('ready'); a silent one has to be probed.
    this.#probe ??= setInterval(() => this.#ping(), MAX_RECONNECT_MS).unref();
  }

  #refused(error: Error): void {
    this.#counts.refused += 1;
    // A value of another type under one of our keys is no fault of Redis.
    if (error.message.startsWith('WRONGTYPE')) return;
    const now = Date.now();
    const problem = describeRedisError(error);
    const since = this.#state().state === 'refusing' && this.#refusal ? this.#refusal.since : now;
    this.#refusal = { since, last: now, problem };
    if (now - this.#loggedAt < LOG_EVERY_MS) return;
    this.#loggedAt = now;
    this.#log.warn({ reason: problem }, 'Redis refuses a command');
  }

  #ping(): void {
    if (this.#redis.status !== 'ready') return;
    withinLimit(this.#redis.ping()).then(
      () => this.#setUp(),
      () => {},
    );
  }
}

interface Refusal {
  /** Unix milliseconds of the first refusal, and of the last. */
  since: number;
  last: number;
  problem: string;
}

class NoReply extends Error {
  override name = 'NoReply';
}

/**
 * Bounds a command in time. The timer runs in steps, each started when the one before has fired, so that a busy event
 * loop of the service does not count as a slow Redis, as it does with ioredis's `commandTimeout`.
 */
async function withinLimit<T>(reply: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    const step = (left: number) => {
      timer = setTimeout(() => {
        if (left > 1) step(left - 1);
        // After replies that have arrived meanwhile.
        else setImmediate(() => reject(new NoReply()));
      }, COMMAND_LIMIT_MS / STEPS);
    };
    step(STEPS);
  });
  try {
    return await Promise.race([reply, limit]);
  } finally {
    clearTimeout(timer);
  }
}

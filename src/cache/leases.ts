import { randomUUID } from 'node:crypto';
import type { SharedMemory } from './redis.ts';

/**
 * A lease ends this long after its holder's last sign of life. The work may take as long as it likes (a job may wait
 * in the queue before its YTDLP_TIMEOUT begins), and a holder that died is replaced within these seconds.
 */
const LEASE_MS = 6000;
const SIGN_OF_LIFE_MS = 2000;

/** How a piece of work failed is known this long to those who waited for it. */
const FAILURE_MS = 3000;

const TOKEN = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

const PROLONG = `
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end
return 0`;

const RELEASE = `
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] ~= '' then redis.call('set', KEYS[2], ARGV[1] .. ' ' .. ARGV[2], 'px', ARGV[3]) end
return redis.call('del', KEYS[1])`;

export interface Lease {
  /** Ends it. With a failure's code, those who wait for this very work learn how it ended. */
  release(failure?: string): Promise<void>;
}

export interface LeaseState {
  /** Token of who works now. */
  holder: string | null;
  failure: { holder: string; code: string } | null;
}

/** Who of all instances does the work for a key: one at a time. */
export class Leases {
  readonly #memory: SharedMemory;

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  /** `taken` where another has it; null where Redis cannot say: then nobody is to wait for anybody. */
  async take(key: string): Promise<Lease | 'taken' | null> {
    const token = randomUUID();
    const answer = await this.#memory.ask(async (redis) => ({
      taken: (await redis.set(`lease:${key}`, token, 'PX', LEASE_MS, 'NX')) === null,
    }));
    if (answer === null) return null;
    return answer.taken ? 'taken' : this.#hold(key, token);
  }

  /** Null where Redis cannot say. */
  async state(key: string): Promise<LeaseState | null> {
    // MGET has nothing for keys of another type, where GET would fail.
    const answer = await this.#memory.ask((redis) => redis.mget(`lease:${key}`, `failure:${key}`));
    if (answer === null) return null;
    const [holder, failure] = answer;
    const [of = '', code = ''] = failure?.split(' ') ?? [];
    return {
      holder: holder && TOKEN.test(holder) ? holder : null,
      failure: TOKEN.test(of) && code ? { holder: of, code } : null,
    };
  }

  #hold(key: string, token: string): Lease {
    const alive = setInterval(() => {
      void this.#memory.ask((redis) => redis.eval(PROLONG, 1, `lease:${key}`, token, LEASE_MS));
    }, SIGN_OF_LIFE_MS).unref();
    return {
      release: async (failure = '') => {
        clearInterval(alive);
        await this.#memory.ask((redis) =>
          redis.eval(RELEASE, 2, `lease:${key}`, `failure:${key}`, token, failure, FAILURE_MS),
        );
      },
    };
  }
}

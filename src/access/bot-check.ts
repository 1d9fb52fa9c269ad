import { createHash, randomBytes, randomInt } from 'node:crypto';
import { type Challenge, ServiceError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { TokenSealer } from '../links/index.ts';

const HOUR_MS = 60 * 60_000;

const MESSAGE =
  'This service asks visitors without an API key for a proof of work. Find the number below `max` for which the ' +
  'SHA-256 of `salt` and the number is `target`; send the request again with the header `X-Solution: TOKEN.NUMBER`, ' +
  'and the next ones with the header `X-Session` of its response.';

/** Where requests are counted for all instances. */
export interface Counter {
  add(
    networks: readonly { key: string; factor: number }[],
    cost: number,
    limit: { kind: string; max: number; windowMs: number },
  ): Promise<{ current: number }>;
}

export interface BotCheckOptions {
  limits: Limits['botCheck'];
  sealer: TokenSealer;
  /** Counts posts of clients. */
  asked: Counter;
  /** Counts uses of challenges. */
  used: Counter;
}

export interface Visitor {
  /** The client, to which challenges and sessions are bound. */
  client: string;
  networks: Parameters<Counter['add']>[0];
  session: string | null;
  /** A challenge's token and the number that solves it: `TOKEN.NUMBER`. */
  solution: string | null;
}

/** What the token of a session holds. */
interface Session {
  client: string;
  /** Of the challenge that was solved for it. */
  level: number;
}

/** What the token of a challenge holds. */
interface Sealed extends Session {
  salt: string;
  number: number;
}

/**
 * A proof of work, once for each session of a client. The number is sealed into the challenge's token, so nothing is
 * kept until a solved one comes back. Solved work counts one level below what is asked for now: two visitors of one
 * network do not take each other's away, and a stock of easy challenges is worth nothing later.
 */
export class BotCheck {
  readonly #options: BotCheckOptions;

  constructor(options: BotCheckOptions) {
    this.#options = options;
  }

  /**
   * @returns a new session where the visitor has solved a challenge, null where its session holds
   * @throws ServiceError `unauthorized` with a challenge
   */
  async admit({ client, networks, session, solution }: Visitor): Promise<string | null> {
    const solved = solution === null ? null : this.#openSolution(solution, client);
    const paid = solved ?? (session === null ? null : this.#open<Session>('session', session, client));
    const level = await this.count(networks, paid ? 1 : 0);
    if (paid && paid.level + 1 >= level) {
      if (!solved) return null;
      if (await this.#isFirstUse(solved)) return this.#newSession(solved);
    }
    throw new ServiceError('unauthorized', {
      message: MESSAGE,
      challenge: this.#newChallenge(client, level),
    });
  }

  /** Counts posts that a client asks for. @returns the level of the work for them */
  async count(networks: Visitor['networks'], posts: number): Promise<number> {
    const asked = { kind: 'asked', max: Number.MAX_SAFE_INTEGER, windowMs: HOUR_MS };
    const { current } = await this.#options.asked.add(networks, posts, asked);
    const { freePosts, maxLevel } = this.#options.limits;
    return Math.min(maxLevel, Math.max(0, Math.ceil(Math.log2(current / freePosts))));
  }

  #newChallenge(client: string, level: number): Challenge {
    const max = this.#options.limits.numbers * 2 ** level;
    const salt = randomBytes(12).toString('base64url');
    const number = randomInt(max);
    const target = createHash('sha256').update(`${salt}${number}`).digest('hex');
    const sealed: Sealed = { client, level, salt, number };
    return { token: this.#seal('challenge', sealed, this.#options.limits.challengeMs), salt, target, max };
  }

  #newSession({ client, level }: Sealed): string {
    const session: Session = { client, level };
    return this.#seal('session', session, this.#options.limits.sessionMs);
  }

  #openSolution(solution: string, client: string): Sealed | null {
    const [, token = '', number = ''] = /^([^.]+)\.(\d{1,9})$/.exec(solution) ?? [];
    const challenge = this.#open<Sealed>('challenge', token, client);
    return challenge?.number === Number(number) ? challenge : null;
  }

  async #isFirstUse({ salt }: Sealed): Promise<boolean> {
    const once = { kind: 'challenge', max: 1, windowMs: this.#options.limits.challengeMs };
    const { current } = await this.#options.used.add([{ key: salt, factor: 1 }], 1, once);
    return current === 1;
  }

  #seal(purpose: 'challenge' | 'session', content: Session, lifetimeMs: number): string {
    return this.#options.sealer.seal(purpose, Buffer.from(JSON.stringify(content)), Date.now() + lifetimeMs);
  }

  /** Null where it is expired, another client's, or not ours. */
  #open<T extends Session>(purpose: 'challenge' | 'session', token: string, client: string): T | null {
    try {
      const found = JSON.parse(this.#options.sealer.unseal(purpose, token).content.toString()) as T;
      return found.client === client ? found : null;
    } catch {
      return null;
    }
  }
}

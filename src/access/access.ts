import { ServiceError } from '../errors.ts';
import type { ApiKey, ApiKeys, Sender } from './api-keys.ts';
import type { BotCheck, Visitor } from './bot-check.ts';

export interface AccessOptions {
  /** Null without API_KEYS_PATH. */
  keys: ApiKeys | null;
  requireKey: boolean;
  /** Null without BOT_CHECK. */
  botCheck: BotCheck | null;
}

/** What a request for posts brings. */
export interface Credentials extends Sender, Visitor {
  /** Null without an API key. */
  key: string | null;
}

export interface Admission {
  /** Null without an API key. */
  key: ApiKey | null;
  /** A new session of the bot check, for the client's next requests; null where there is none. */
  session: string | null;
}

/** Who may ask for posts: everybody, unless the operator wants a key or a proof of work. */
export class Access {
  readonly #options: AccessOptions;
  /** The ways to prove oneself, for the header WWW-Authenticate. */
  readonly schemes: string;

  constructor(options: AccessOptions) {
    this.#options = options;
    this.schemes = [options.keys && 'Api-Key', options.botCheck && 'Proof-Of-Work']
      .filter(Boolean)
      .join(', ');
  }

  /** Uses of each key, by its name. */
  get uses(): ApiKeys['uses'] {
    return this.#options.keys?.uses ?? [];
  }

  /** @throws ServiceError `unauthorized` */
  async admit(credentials: Credentials): Promise<Admission> {
    const { keys, requireKey, botCheck } = this.#options;
    if (keys && credentials.key !== null) {
      return { key: keys.accept(credentials.key, credentials), session: null };
    }
    if (requireKey) throw new ServiceError('unauthorized');
    return { key: null, session: (await botCheck?.admit(credentials)) ?? null };
  }

  /** Counts more posts of a request without a key than the one that it was admitted for. */
  async countMore(networks: Visitor['networks'], posts: number): Promise<void> {
    await this.#options.botCheck?.count(networks, posts);
  }
}

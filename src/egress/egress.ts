import { createHash, randomBytes } from 'node:crypto';
import { Secret } from '../secret.ts';
import { CircuitBreaker, type Clock } from './circuit-breaker.ts';

/** Refused files in a row before the egress is checked: single links expire, and a client's own posts get deleted. */
const REFUSED_POSTS = 8;
/** Clients that these refusals must come from: one client alone cannot make an egress look refused. */
const REFUSED_CLIENTS = 2;
/** Refused posts that are remembered while they are of too few clients. */
const MAX_REFUSED_POSTS = 64;

/** A response of the CDN for a file that was requested through an egress. */
export interface MediaStatus {
  /** Id of the egress. */
  egress: string;
  /** Key of the post. */
  post: string;
  /** Key of the client; null where the file is fetched for several. */
  client: string | null;
  status: number;
}

/** In a proxy's address: an id of the user's choice, for which the provider keeps one exit. */
const SESSION = '{session}';
/** After a proxy's address: the provider takes another exit for each connection. */
const ROTATING = '#rotating';

/** Least time between two sessions of a proxy, whatever is refused: each costs new connections in every process. */
const SESSION_MS = 1000;

/** One way to the internet: direct, or through a proxy. */
export class Egress {
  /** The same for the same proxy on every instance: links carry it. */
  readonly id: string;
  /** Host and port, without credentials: for logs and health. */
  readonly label: string;
  /** Whether each connection has another exit: what one was refused says nothing of the next. */
  readonly isRotating: boolean;
  /** The address as in PROXY_URLS. */
  readonly #setting: string | null;
  readonly #clock: Clock;
  #proxy: Secret | null;
  #sessionSince = Number.NEGATIVE_INFINITY;
  /** Called with `proxy` when it has changed. */
  onNewExit: (proxy: Secret) => void = () => {};
  readonly breaker: CircuitBreaker;
  /** Unix milliseconds of the last answer of TikTok; null before the first. */
  answeredAt: number | null = null;
  /** Jobs that TikTok refused. */
  refusals = 0;
  /** Post → the client whose file of it was refused. */
  readonly #refusedPosts = new Map<string, string | null>();

  constructor(proxy: Secret | null, clock: Clock) {
    this.#clock = clock;
    this.breaker = new CircuitBreaker(clock);
    const url = proxy?.reveal() ?? null;
    this.#setting = url;
    this.#proxy = url === null ? null : withSession(url);
    this.isRotating = url?.endsWith(ROTATING) ?? false;
    this.id = url ? createHash('sha256').update(url).digest('base64url').slice(0, 6) : 'direct';
    this.label = url ? new URL(url).host : 'direct';
  }

  /** The proxy's address, with its session; null for direct connections. The same object until the exit changes. */
  get proxy(): Secret | null {
    return this.#proxy;
  }

  /** Whether a refused exit is left for another one, instead of resting. */
  get changesExits(): boolean {
    return this.isRotating || (this.#setting?.includes(SESSION) ?? false);
  }

  /** Takes a new session, unless the one that was refused has been left since. @param refused `proxy` as it was */
  leaveExit(refused: Secret | null): void {
    const now = this.#clock.now();
    if (!this.#setting?.includes(SESSION) || refused !== this.#proxy) return;
    if (now - this.#sessionSince < SESSION_MS) return;
    this.#sessionSince = now;
    this.#proxy = withSession(this.#setting);
    this.onNewExit(this.#proxy);
  }

  /** @returns whether this CDN response makes enough refusals in a row, of enough clients, to check the egress */
  sawMedia({ post, client, status }: Pick<MediaStatus, 'post' | 'client' | 'status'>): boolean {
    if (status !== 403) {
      this.#refusedPosts.clear();
      return false;
    }
    this.#refusedPosts.delete(post);
    this.#refusedPosts.set(post, client);
    for (const oldest of this.#refusedPosts.keys()) {
      if (this.#refusedPosts.size <= MAX_REFUSED_POSTS) break;
      this.#refusedPosts.delete(oldest);
    }
    const clients = new Set([...this.#refusedPosts.values()].filter((one) => one !== null));
    if (this.#refusedPosts.size < REFUSED_POSTS || clients.size < REFUSED_CLIENTS) return false;
    this.#refusedPosts.clear();
    return true;
  }
}

/** The address of a proxy as in PROXY_URLS, with a session of its own where it has room for one. */
export function withSession(setting: string): Secret {
  return new Secret(setting.replaceAll(SESSION, randomBytes(4).toString('hex')));
}

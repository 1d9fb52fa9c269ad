import { LRUCache } from 'lru-cache';
import type { Dispatcher } from 'undici';
import { ServiceError } from '../errors.ts';
import { createDispatcher } from './dispatcher.ts';
import { mediaUrl } from './hosts.ts';
import { LinkError } from './source.ts';
import type { AddressGuard } from './ssrf-guard.ts';

/** How long a host that refuses direct connections is asked through the page's egress alone. */
const REFUSED_MS = 30 * 60_000;
const MAX_REFUSING_HOSTS = 1000;

/** Id of the direct egress, in the pool or not. */
const DIRECT = 'direct';

export interface RoutesOptions {
  /** Egress id → URL of its proxy; null connects directly. The first serves ids that are unknown. */
  egresses: ReadonlyMap<string, string | null>;
  /** MEDIA_EGRESS: whether links are tried directly before they are tried through the egress of their page. */
  directFirst: boolean;
  extraCa: readonly string[];
  guard: AddressGuard;
  /** Milliseconds; another clock for tests. */
  now?: () => number;
}

export interface Route {
  /** Id of the egress. */
  egress: string;
  dispatcher: Dispatcher;
}

/** The ways to the CDN: the egress of the page, and before it the direct one where that is wanted. */
export class Routes {
  readonly #options: RoutesOptions;
  readonly #dispatchers: Map<string, Dispatcher>;
  readonly #direct: Route | null;
  /** Of proxies that were replaced, until their last body has ended. */
  readonly #former = new Set<Dispatcher>();
  readonly #refusing: LRUCache<string, true>;

  constructor(options: RoutesOptions) {
    const { egresses, directFirst, now = () => performance.now() } = options;
    if (egresses.size === 0) throw new RangeError('the CDN needs an egress');
    this.#options = options;
    this.#refusing = new LRUCache({
      max: MAX_REFUSING_HOSTS,
      ttl: REFUSED_MS,
      ttlResolution: 0,
      perf: { now },
    });
    this.#dispatchers = new Map([...egresses].map(([id, proxy]) => [id, this.#dispatcher(proxy)]));
    this.#direct =
      directFirst && !egresses.has(DIRECT) ? { egress: DIRECT, dispatcher: this.#dispatcher(null) } : null;
  }

  /** The way of a page; the first one where that is gone. */
  ofPage(egress: string): Route {
    const known = this.#dispatchers.get(egress);
    const [id, dispatcher] = known ? [egress, known] : ([...this.#dispatchers][0] ?? []);
    if (id === undefined || !dispatcher) throw new ServiceError('internal');
    return { egress: id, dispatcher };
  }

  /** Whether any way is direct: the names of hosts are resolved here then. */
  get resolvesNames(): boolean {
    return this.#direct !== null || [...this.#options.egresses.values()].includes(null);
  }

  /**
   * Tries a link, directly first where that is wanted. A host counts as refusing direct connections where the page's
   * egress then gets what it did not give: a link that is dead is refused either way.
   * @param egress of the link's page
   * @throws what `open` throws
   */
  async try<T>(link: string, egress: string, open: (route: Route) => Promise<T>): Promise<T> {
    const host = mediaUrl(link)?.host;
    const page = this.ofPage(egress);
    if (!this.#direct || host === undefined || this.#refusing.has(host)) return open(page);
    try {
      return await open(this.#direct);
    } catch (error) {
      if (!(error instanceof LinkError) || error.reason === 'changed') throw error;
    }
    const opened = await open(page);
    this.#refusing.set(host, true);
    return opened;
  }

  /** Uses another proxy for an egress from now on; what is under way goes on through the old one. */
  useProxy(egress: string, proxy: string): void {
    const former = this.#dispatchers.get(egress);
    this.#dispatchers.set(egress, this.#dispatcher(proxy));
    if (!former) return;
    this.#former.add(former);
    void former.close().finally(() => this.#former.delete(former));
  }

  /** Ends all connections at once. */
  async close(): Promise<void> {
    const direct = this.#direct ? [this.#direct.dispatcher] : [];
    const all = [...this.#dispatchers.values(), ...direct, ...this.#former];
    await Promise.all(all.map((dispatcher) => dispatcher.destroy()));
  }

  #dispatcher(proxy: string | null): Dispatcher {
    const { extraCa, guard } = this.#options;
    return createDispatcher({ proxy, extraCa, lookup: guard.lookup });
  }
}

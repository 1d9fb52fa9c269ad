import { type Browser, browserOf } from './browser.ts';
import { readCookies } from './signing.ts';
import type { Source } from './sources.ts';

/** One request as it reached the stand-in, and what became of it. */
export interface JournalEntry {
  /** Unix milliseconds. */
  time: number;
  method: string;
  host: string;
  /** The whole address, `https://host/path?query`; `host:port` for a refused CONNECT. */
  url: string;
  headers: Record<string, string>;
  /** Cookies as they were sent. */
  cookies: Record<string, string>;
  /** The browser that the User-Agent names. */
  browser: Browser;
  /** The user of Proxy-Authorization; null where the client sent none. */
  identity: string | null;
  /** Index of the proxy port: 0 is `proxyUrl`, the others are `extraProxies`. */
  proxy: number;
  /** Which source was asked; null for files and refused tunnels. */
  source: Source | null;
  /** Hash of the TLS ClientHello, so that two clients can be told apart; '' where it could not be read. */
  tls: string;
  kind: 'page' | 'redirect' | 'api' | 'cdn' | 'other' | 'refused';
  postId: string | null;
  /** `page`, `play`, `short`, another source, or which of the post's files: `video`, `music`, `photo`, … */
  part: string | null;
  /** 0 until an answer began. */
  status: number;
  /** Why the CDN or the proxy said no. */
  refusal: string | null;
  /** Body bytes handed to the socket. */
  bytesSent: number;
  /** Unix milliseconds at which the exchange was over, either way; null while it runs. */
  endedAt: number | null;
  /** True when the client left, or a fault broke it, before the whole answer was out. */
  aborted: boolean;
}

/** Which requests to look for; everything given must fit. */
export interface Asked {
  post?: string | { id: string };
  source?: Source | readonly Source[];
  /** Index of the proxy port, or the user of the proxy's credentials. */
  egress?: number | string;
}

type Begun = Pick<JournalEntry, 'method' | 'host' | 'url' | 'headers' | 'identity' | 'proxy'> &
  Partial<JournalEntry>;

/** What tests look at. Keeps the newest entries only, so that a load test cannot fill the memory. */
export class Journal {
  readonly entries: JournalEntry[] = [];
  #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Notes a request that has just come. */
  add(begun: Begun): JournalEntry {
    const entry: JournalEntry = {
      time: Date.now(),
      cookies: Object.fromEntries(readCookies(begun.headers.cookie)),
      browser: browserOf(begun.headers),
      source: null,
      tls: '',
      kind: 'other',
      postId: null,
      part: null,
      status: 0,
      refusal: null,
      bytesSent: 0,
      endedAt: null,
      aborted: false,
      ...begun,
    };
    this.entries.push(entry);
    if (this.entries.length > this.#limit) this.entries.splice(0, Math.ceil(this.#limit / 10));
    return entry;
  }

  clear(): void {
    this.entries.length = 0;
  }

  /** Entries whose given fields all equal. */
  find(wanted: Partial<JournalEntry>): JournalEntry[] {
    const fields = Object.entries(wanted);
    return this.entries.filter((entry) =>
      fields.every(([field, value]) => entry[field as keyof JournalEntry] === value),
    );
  }

  /** Requests to sources and short links, in order; redirects within a source count too. */
  asked({ post, source, egress }: Asked = {}): JournalEntry[] {
    const id = typeof post === 'object' ? post.id : post;
    return this.entries.filter(
      (entry) =>
        entry.source !== null &&
        (id === undefined || id === entry.postId) &&
        (source === undefined || [source].flat().includes(entry.source)) &&
        (egress === undefined || egress === entry.proxy || egress === entry.identity),
    );
  }

  /** The sources that were asked, in order. */
  sources(asked: Asked = {}): Source[] {
    return this.asked(asked).flatMap(({ source }) => source ?? []);
  }

  /** Exchanges that the client broke off. */
  closedEarly(): JournalEntry[] {
    return this.entries.filter((entry) => entry.aborted);
  }

  /** Exchanges still running. */
  running(): JournalEntry[] {
    return this.entries.filter((entry) => entry.endedAt === null);
  }
}

/** One request as it reached the stand-in, and what became of it. */
export interface JournalEntry {
  /** Unix milliseconds. */
  time: number;
  method: string;
  host: string;
  /** The whole address, `https://host/path?query`; `host:port` for a refused CONNECT. */
  url: string;
  headers: Record<string, string>;
  /** The user of Proxy-Authorization; null where the client sent none. */
  identity: string | null;
  /** Index of the proxy port: 0 is `proxyUrl`, the others are `extraProxies`. */
  proxy: number;
  kind: 'page' | 'redirect' | 'api' | 'cdn' | 'other' | 'refused';
  postId: string | null;
  /** `page`, `play`, `short`, or which of the post's files: `video`, `download`, `music`, `photo`, … */
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

/** What tests look at. Keeps the newest entries only, so that a load test cannot fill the memory. */
export class Journal {
  readonly entries: JournalEntry[] = [];
  #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(entry: JournalEntry): JournalEntry {
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

  /** Exchanges that the client broke off. */
  closedEarly(): JournalEntry[] {
    return this.entries.filter((entry) => entry.aborted);
  }

  /** Exchanges still running. */
  running(): JournalEntry[] {
    return this.entries.filter((entry) => entry.endedAt === null);
  }
}

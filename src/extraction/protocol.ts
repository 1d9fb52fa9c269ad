import type { Platform } from '../posts/post.ts';

/**
 * The protocol between a worker and its yt-dlp child: JSON, one message a line, over a Unix socket.
 *
 *  1. The worker connects; the host forks a child that takes the connection over.
 *  2. The child speaks first: Hello. A protocol number other than PROTOCOL is fatal for the host.
 *  3. The worker sends one Job, the child sends one Reply of the same id; never two jobs at once.
 *  4. Either side leaves by closing the connection. A child that is no longer fit for a job says that its reply is the
 *     last one; the worker connects again.
 *
 * host/child.py and host/sources/ are the other side.
 */
export const PROTOCOL = 2;

/** Sent by the host on standard output once it is ready, and by each child when it takes a connection. */
export interface Hello {
  protocol: number;
  pid: number;
  /** Pid of the host that forked the child. */
  host: number;
  ytdlp: string;
  python: string;
  curlCffi: string | null;
  /** Whether yt-dlp can send requests with a browser's fingerprint; TikTok's pages often fail without. */
  impersonation: boolean;
  /** Browsers that can be impersonated, such as `chrome-146:macos-26`; yt-dlp's order. */
  targets: string[];
}

/** What a child is asked to do; host/sources/__init__.py has one module for each. */
export type Operation =
  | 'page'
  | 'mobile'
  | 'player'
  | 'embed'
  | 'oembed'
  | 'douyin-detail'
  | 'douyin-slides'
  | 'douyin-share'
  | 'douyin-feed'
  | 'ttwid'
  | 'resolve'
  | 'parse'
  | 'self-test';

export interface Job {
  id: number;
  op: Operation;
  platform: Platform;
  /** The post's id; empty for a short link. */
  post: string;
  url: string;
  /** Seconds. */
  timeout: number;
  proxy: string | null;
  /** The browser to impersonate; absent for none. */
  target?: string;
  /** How Douyin's detail API is asked. */
  way?: 'origin' | 'ttwid' | 'cookies';
  ttwid?: string;
  /** The user agent that opens a short link. */
  agent?: 'bot' | 'phone';
  /** The item that yt-dlp is to parse. */
  item?: unknown;
  /** Asks for the whole response beside the post; `npm run doctor -- --save`. */
  raw?: boolean;
}

export type Reply = { id: number; last?: boolean } & (
  | {
      ok: true;
      /** Raw JSON of the post; null where the response has none. */
      data: unknown;
      answer: ResponseFacts | null;
      /** Cookies that media links ask for by name. */
      cookies?: Readonly<Record<string, string>>;
      raw?: RawResponse | null;
    }
  | { ok: false; error: JobError }
);

/** The last response of an operation as it came; host/sources/facts.py. */
export interface RawResponse {
  headers: Readonly<Record<string, string>>;
  /** Zlib, base64; null where the body is too large for a reply. */
  body: string | null;
  /** Values of the cookies that were sent or set. */
  cookies: readonly string[];
}

/** There was no response; host/failure.py. */
export interface JobError {
  kind: 'timeout' | 'connection' | 'too-large' | 'internal';
  /** For the log only. */
  message: string;
}

/** The last response of an operation; host/sources/facts.py. */
export interface ResponseFacts {
  status: number;
  /** The address that was asked last, after redirects. */
  url: string;
  /** Where a redirect that was not followed leads; empty for none. */
  location: string;
  headers: Readonly<Record<string, string>>;
  /** Bytes of the body. */
  length: number;
  /** Which of the known words stand in the body. */
  words: readonly string[];
  /** HTTP requests that the operation took. */
  requests: number;
}

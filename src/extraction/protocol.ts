import type { Platform } from '../posts/post.ts';
import type { Extracted } from '../posts/ytdlp.ts';

/**
 * What a worker and its yt-dlp child say to each other: JSON, one message a line, over a Unix socket.
 *
 *  1. The worker connects; the host forks a child that takes the connection over.
 *  2. The child speaks first: Hello. A protocol number other than ours is fatal for the service.
 *  3. The worker sends one Job, the child answers with one Reply of the same id; never two jobs at once.
 *  4. Either side leaves by closing the connection. A child that cannot vouch for itself any more closes after
 *     its reply; the worker simply connects again.
 *
 * host/child.py and host/engine.py are the other side.
 */
export const PROTOCOL = 1;

/** What the host says of itself once it is ready, and each child when it takes a connection. */
export interface Hello {
  protocol: number;
  pid: number;
  ytdlp: string;
  python: string;
  curlCffi: string | null;
  /** Whether yt-dlp can look like a browser; since August 2026 TikTok's pages often fail without. */
  impersonation: boolean;
}

export interface Job {
  id: number;
  /**
   * `extract` a post's page; `resolve` a short link to the address it leads to; `rehearse`: read a page made up for
   * it, which asks nobody.
   */
  op: 'extract' | 'resolve' | 'rehearse';
  platform: Platform;
  url: string;
  /** Seconds. */
  timeout: number;
  proxy: string | null;
}

export type Reply = { id: number } & (
  | ({ ok: true } & Extracted)
  | { ok: true; location: string }
  | { ok: false; failure: FailureFacts }
);

/** See host/failure.py. */
export interface FailureFacts {
  message: string;
  timeout: boolean;
  transport: boolean;
  http: number | null;
  geo: boolean;
  page: PageFacts | null;
}

export interface PageFacts {
  count: number;
  login: boolean;
  challenge: boolean;
  readable: boolean;
  status: number | null;
  statusMsg: string;
  hasItem: boolean;
  classified: boolean;
}

import { readFileSync } from 'node:fs';

/**
 * Bounds on what clients can take over HTTP; SECURITY.md has them in a table. `client` bounds hold for one IPv4 address
 * or IPv6 /64; its /56 may take twice as much and its /48 four times.
 */
export const LIMITS = {
  /** One TCP connection. Beyond these it is closed. */
  connection: {
    /** Requests that wait behind another one of the connection. */
    pipelined: 16,
    /** For the head of a request to arrive. */
    headMs: 10_000,
    /** For a whole request to arrive. */
    requestMs: 15_000,
    /** How often Node looks for requests that are late. */
    checkMs: 2500,
    /** Bytes of a request body: the text of a share sheet, and JSON around it. */
    bodyBytes: 16 * 1024,
    /** A client that takes no byte of a short response for this long is disconnected; of a file: DOWNLOAD_TIMEOUT. */
    writeStallMs: 30_000,
    /** A client that takes less of a file than this, over DOWNLOAD_TIMEOUT, is disconnected. */
    minBytesPerSecond: 1024,
  },
  client: {
    /** Share of all connections. Not applied to proxies of TRUST_PROXY. */
    connectionShare: 1 / 4,
    /** Requests that wait behind another one of their connection. */
    pipelined: 64,
    /** Progress streams at a time; one for each link. */
    progressStreams: 4,
    /** Files of /docs at a time. */
    docs: 16,
  },
  process: {
    /** Files on their way at a time. Each has two sockets and, with a slow reader, some 70 KB of memory. */
    downloads: 1000,
    progressStreams: 200,
    /** Files of /docs at a time: the largest has more than a megabyte. */
    docs: 200,
    /** Requests that wait behind another one of their connection. */
    pipelined: 2000,
    /** Share of the connections from which on idle ones are closed. */
    crowded: 0.9,
    /** Clients whose requests are counted in memory; the least recently seen is forgotten. */
    countedClients: 60_000,
    /** Solved challenges of the bot check that are remembered in memory, so that none counts twice. */
    usedChallenges: 100_000,
    /** Connections that the kernel may hold until they are accepted. */
    backlog: 4096,
    /** Upper bound of the connections; fewer where the process may open fewer files. */
    connections: 10_000,
    /** Open files kept free for downloads, workers and logs. */
    reservedFiles: 1500,
  },
  /** BOT_CHECK, for one client. */
  botCheck: {
    /** Numbers to search at level 0: a second for a phone. Each level has twice as many. */
    numbers: 800_000,
    /** Posts in an hour at level 0. Twice as many are level 1, and so on. */
    freePosts: 60,
    maxLevel: 4,
    /** For which a challenge may be worked at. */
    challengeMs: 3 * 60_000,
    sessionMs: 10 * 60_000,
  },
  progress: {
    /** A stream without an event ends after this time: nothing is being made. */
    idleMs: 2 * 60_000,
    /** A stream ends after this time in any case; browsers reconnect. */
    totalMs: 15 * 60_000,
  },
};

export type Limits = typeof LIMITS;

/** How many connections the HTTP server accepts at a time, by the number of files that the process may open. */
export function maxConnections(limits: Limits, openFiles: number = openFileLimit()): number {
  const { connections, reservedFiles } = limits.process;
  return Math.min(connections, Math.max(openFiles - reservedFiles, Math.floor(openFiles / 2)));
}

/** Where the limit cannot be read, as outside Linux. */
const USUAL_OPEN_FILES = 4096;

function openFileLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? USUAL_OPEN_FILES);
  } catch {
    return USUAL_OPEN_FILES;
  }
}

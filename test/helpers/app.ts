import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { type App, buildApp, type Overrides, type PostExtractor } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import type { ExtractOptions, ExtractorStatus } from '../../src/extraction/index.ts';
import type { Post } from '../../src/posts/post.ts';
import type { PostLink } from '../../src/posts/url.ts';
import { somePost } from '../cache/sample-post.ts';
import { type Body, KEY } from './service.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

type Extract = (link: PostLink, options: ExtractOptions) => Promise<Post>;

const STATUS: ExtractorStatus = {
  workers: { max: 2, active: 0, idle: 2, queued: 0 },
  host: {
    protocol: 1,
    pid: 1,
    host: 1,
    ytdlp: '2026.10.26',
    python: '3.12',
    curlCffi: '0.16',
    impersonation: true,
    targets: [],
  },
  hostRestarts: 0,
  childRestarts: 0,
  threads: 0,
  queueLimit: 10,
  engine: null,
  trial: null,
  sources: [],
};

/** Stands in for yt-dlp: every post exists, unless `extract` says otherwise. */
export function fakeExtractor(extract: Extract = async (link) => postOf(link)): PostExtractor {
  const probeFallbacks = async () => {};
  return {
    extract,
    probeFallbacks,
    status: STATUS,
    switchTo: async () => {},
    onRejection: () => {},
    close: async () => {},
  };
}

/** A video whose files are nowhere. */
export function postOf(link: PostLink, changes: Partial<Post> = {}): Post {
  return somePost(link.kind === 'post' ? link.ref.id : '7400000000000000001', changes);
}

export interface TestApp extends App {
  /** Lines of the log so far. */
  log: Record<string, unknown>[];
  post(
    url: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: Body; headers: Record<string, unknown> }>;
  /** Starts to listen on a free port of 127.0.0.1. */
  listenAnywhere(): Promise<{ port: number; url: string }>;
}

/** The service without Python, to be used with `server.inject()`. Close it at the end of the test. */
export async function buildTestApp(
  env: Readonly<Record<string, string>> = {},
  overrides: Overrides = {},
): Promise<TestApp> {
  const dir = mkdtempSync(join(tmpdir(), 'app-'));
  const log: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      for (const line of String(chunk).split('\n').filter(Boolean)) log.push(JSON.parse(line));
      done();
    },
  });
  const config = loadConfig({
    HOST: '127.0.0.1',
    PORT: '0',
    BASE_URL: 'http://service.test',
    TEMP_DIR: dir,
    ENCRYPTION_KEY: KEY,
    // Its files are compressed at each start.
    WEB_PAGE: 'false',
    ...env,
  });
  const logger = pino({ level: config.server.logLevel, base: null }, sink);
  const app = await buildApp(config, ROOT, logger, { extractor: fakeExtractor(), ...overrides });
  const connections = new Set<Socket>();
  app.server.server.on('connection', (socket: Socket) => connections.add(socket));
  return {
    ...app,
    log,
    async post(url, headers = {}) {
      const response = await app.server.inject({
        method: 'POST',
        url: '/tiktok',
        headers,
        payload: { url } as object,
      });
      return { status: response.statusCode, body: response.json() as Body, headers: response.headers };
    },
    async listenAnywhere() {
      await app.listen();
      const { port } = app.server.server.address() as AddressInfo;
      return { port, url: `http://127.0.0.1:${port}` };
    },
    async close() {
      for (const socket of connections) socket.destroy();
      const failed = await app.close();
      rmSync(dir, { recursive: true, force: true });
      return failed;
    },
  };
}

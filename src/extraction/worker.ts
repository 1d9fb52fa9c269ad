/**
 * What runs in each thread of the pool: one connection to one long-lived yt-dlp child, and the way from a link to a
 * Post. Twenty threads load this file and all it imports: keep that small.
 */
import { getPriority, setPriority } from 'node:os';
import { workerData } from 'node:worker_threads';
import type { ErrorCode } from '../errors.ts';
import { postFromDouyin } from '../posts/from-douyin.ts';
import { postFromTikTok } from '../posts/from-tiktok.ts';
import type { Post } from '../posts/post.ts';
import { canonicalUrl, type PostLink, parsePostUrl } from '../posts/url.ts';
import { Connection, ConnectionLost } from './connection.ts';
import { classify } from './failure.ts';
import type { Job, Reply } from './protocol.ts';

export interface WorkerSettings {
  timeoutMs: number;
}

export interface WorkerTask {
  /** Of the host that is to do it; another one than last time when the engine was changed. */
  socketPath: string;
  link: PostLink;
  proxy: string | null;
  egress: string;
}

/** Errors lose their code on the way between threads: a result is plain data. */
export type WorkerResult =
  | { ok: true; post: Post; restarts: number }
  | { ok: false; code: ErrorCode; detail: string; restarts: number };

/** yt-dlp grows by and by; a fresh child costs 3-10 ms, so one is taken long before that matters. */
const JOBS_PER_CHILD = 2000;

/** The child ends its job itself at the deadline. Only one that hangs in C code gets killed, this much later. */
const KILL_GRACE_MS = 2000;

/** How long to wait for a host that is being restarted, and how often to look. */
const HOST_PATIENCE_MS = 5000;
const HOST_POLL_MS = 25;

/**
 * Twenty threads that come up at once on two processors kept the main thread, and with it /health, waiting for
 * seconds. On Linux this is about the calling thread; elsewhere it would be about the whole process. A service that was
 * started with less priority than this (`nice`) may not take more: no thread would come up.
 */
const THREAD_PRIORITY = 10;
if (process.platform === 'linux' && getPriority() < THREAD_PRIORITY) setPriority(THREAD_PRIORITY);

const settings = workerData as WorkerSettings;
let connection: Connection | null = null;
let connectedTo = '';
let jobsDone = 0;

/** A job ended by its deadline, where the child did not say so itself. */
class Overdue extends Error {
  override name = 'Overdue';
}

/** The entry that Piscina calls. Never throws. */
export default async function run(task: WorkerTask): Promise<WorkerResult> {
  let restarts = 0;
  for (;;) {
    try {
      return { ...(await extract(task)), restarts };
    } catch (error) {
      if (error instanceof Overdue) return { ok: false, code: 'timeout', detail: error.message, restarts };
      if (!(error instanceof ConnectionLost))
        return { ok: false, code: 'internal', detail: String(error), restarts };
      // The child died under this job. Once more on a fresh one; a post that kills children must not go on for ever.
      if (restarts >= 1) return { ok: false, code: 'busy', detail: String(error.cause ?? error), restarts };
      restarts += 1;
    }
  }
}

type JobResult = { ok: true; post: Post } | { ok: false; code: ErrorCode; detail: string };

async function extract(task: WorkerTask): Promise<JobResult> {
  let { link } = task;
  if (link.kind === 'short') {
    const reply = await sendJob(task, { op: 'resolve', platform: link.platform, url: link.url });
    if (!reply.ok) return failed(reply, link.platform);
    const target = parsePostUrl('location' in reply ? reply.location : '');
    if (target?.kind !== 'post') return deadEnd('location' in reply ? reply.location : '');
    link = target;
  }
  const { ref } = link;
  const reply = await sendJob(task, { op: 'extract', platform: ref.platform, url: canonicalUrl(ref) });
  if (!reply.ok) return failed(reply, ref.platform);
  if ('location' in reply)
    return { ok: false, code: 'internal', detail: 'a location where a post was asked for' };
  const post = (ref.platform === 'douyin' ? postFromDouyin : postFromTikTok)(reply, ref, task.egress);
  if (post.renditions.length === 0 && post.photos.length === 0) {
    return { ok: false, code: 'extractor_outdated', detail: 'a post without any media' };
  }
  return { ok: true, post };
}

function failed(reply: Extract<Reply, { ok: false }>, platform: Job['platform']): JobResult {
  return { ok: false, code: classify(reply.failure, platform), detail: reply.failure.message };
}

/** A short link that leads to no post: a dead one goes to the front page, a gated one to the login. */
function deadEnd(location: string): JobResult {
  const login = URL.canParse(location) && new URL(location).pathname.replace(/\/$/, '') === '/login';
  return {
    ok: false,
    code: login ? 'login_required' : 'post_not_found',
    detail: `the short link leads to ${location}`,
  };
}

async function sendJob(task: WorkerTask, question: Pick<Job, 'op' | 'platform' | 'url'>): Promise<Reply> {
  const child = await connected(task.socketPath);
  const { pid } = child.hello;
  const timer = setTimeout(() => {
    child.close(new Overdue('the child hung') as ConnectionLost);
    kill(pid);
  }, settings.timeoutMs + KILL_GRACE_MS);
  try {
    return await child.request({ ...question, timeout: settings.timeoutMs / 1000, proxy: task.proxy });
  } finally {
    clearTimeout(timer);
    jobsDone += 1;
    if (jobsDone >= JOBS_PER_CHILD) child.close();
  }
}

async function connected(socketPath: string): Promise<Connection> {
  if (connection && !connection.closed) {
    if (connectedTo === socketPath) return connection;
    connection.close();
  }
  const patience = Date.now() + HOST_PATIENCE_MS;
  for (;;) {
    try {
      connection = await Connection.open(socketPath);
      connectedTo = socketPath;
      jobsDone = 0;
      return connection;
    } catch (error) {
      if (Date.now() >= patience) throw error;
      await new Promise((resolve) => setTimeout(resolve, HOST_POLL_MS));
    }
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It went by itself in the meantime.
  }
}

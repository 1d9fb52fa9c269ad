/**
 * Runs in each thread of the pool: one connection to one long-lived yt-dlp child, and the way from a link to a Post.
 * Every thread loads this file and all it imports, so both stay small.
 */
import { getPriority, setPriority } from 'node:os';
import { workerData } from 'node:worker_threads';
import type { ErrorCode } from '../errors.ts';
import type { Platform, Post } from '../posts/post.ts';
import { asObject, asString } from '../posts/raw.ts';
import type { PostLink } from '../posts/url.ts';
import { Connection, ConnectionLost, JobOverdue } from './connection.ts';
import type { Job, Reply } from './protocol.ts';
import { type Plan, SourceChain } from './sources/chain.ts';
import type { Attempt, SourceId } from './sources/meaning.ts';
import { Pacer } from './sources/pacer.ts';
import { resolveShortLink } from './sources/short-link.ts';

export interface WorkerSettings {
  timeoutMs: number;
  /** See Pacer. */
  paces: SharedArrayBuffer;
}

/** A job for a thread. */
export type WorkerTask = ExtractTask | TtwidTask;

export interface ExtractTask {
  kind: 'extract';
  /** The socket of the host that does the job; another one than last time when the engine was changed. */
  socketPath: string;
  link: PostLink;
  proxy: string | null;
  /** Id of the egress. */
  egress: string;
  plan: Plan;
}

/** Registers a ttwid at Douyin. */
export interface TtwidTask {
  kind: 'ttwid';
  socketPath: string;
  proxy: string | null;
}

/** Errors lose their code between threads, so a result is plain data. */
export type WorkerResult = { restarts: number; attempts: readonly Attempt[] } & (
  | { ok: true; post: Post }
  | { ok: false; code: ErrorCode; detail: string }
);

/** What the job is to go on with once a ttwid is registered. */
export interface NeedsTtwid {
  needs: 'ttwid';
  link: PostLink;
  rest: readonly SourceId[];
  restarts: number;
  attempts: readonly Attempt[];
}

/** Jobs after which a child is replaced: yt-dlp's memory grows slowly, and a fork is cheap. */
const JOBS_PER_CHILD = 2000;

/** A child that hangs in C code does not end its job at the deadline and is killed this much later. */
const KILL_GRACE_MS = 2000;

/** How long to wait for a host that is being restarted, and the interval between tries. */
const HOST_WAIT_MS = 5000;
const HOST_POLL_MS = 25;

/**
 * Below the main thread, so that twenty threads that start at once do not delay /health. On Linux the priority is the
 * calling thread's; elsewhere it would be the process's. A process with less priority may not take more.
 */
const THREAD_PRIORITY = 10;
if (process.platform === 'linux' && getPriority() < THREAD_PRIORITY) setPriority(THREAD_PRIORITY);

const settings = workerData as WorkerSettings;
const pacer = new Pacer(settings.paces);
let connection: Connection | null = null;
let connectedTo = '';
let jobsDone = 0;

/** The entry that Piscina calls. Never throws. */
export default async function run(task: WorkerTask): Promise<WorkerResult | NeedsTtwid | string | null> {
  if (task.kind === 'ttwid') return registerTtwid(task).catch(() => null);
  const deadline = performance.now() + settings.timeoutMs;
  let restarts = 0;
  let deaths = 0;
  for (;;) {
    try {
      return { ...(await extract(task, deadline)), restarts };
    } catch (error) {
      const failure = { ok: false, detail: String(error), attempts: [], restarts } as const;
      if (error instanceof JobOverdue) return { ...failure, code: 'timeout' };
      if (!(error instanceof ConnectionLost)) return { ...failure, code: 'internal' };
      restarts += 1;
      // The child died under this job: one more try on a fresh one, and no third for a post that kills children.
      if (!(await isHostReplaced(task.socketPath))) deaths += 1;
      if (deaths > 1) return { ...failure, code: 'busy', detail: String(error.cause ?? error) };
    }
  }
}

/** Whether a child died with its host, which is no fault of its job: the next child then has another host. */
async function isHostReplaced(socketPath: string): Promise<boolean> {
  const host = connection?.hello.host;
  try {
    return (await connected(socketPath)).hello.host !== host;
  } catch {
    return false;
  }
}

type Extracted = { attempts: readonly Attempt[] } & (
  | { ok: true; post: Post }
  | { ok: false; code: ErrorCode; detail: string }
  | { needs: 'ttwid'; link: PostLink; rest: readonly SourceId[] }
);

async function extract(task: ExtractTask, deadline: number): Promise<Extracted> {
  const send = (job: Omit<Job, 'id' | 'timeout' | 'proxy'>, timeoutMs: number) =>
    sendJob(task, job, timeoutMs);
  let { link } = task;
  if (link.kind === 'short') {
    const resolved = await resolveShortLink(link, (job) => send(job, deadline - performance.now()));
    if (!resolved.ok) return { ...resolved, attempts: [] };
    link = resolved.link;
  }
  const { timeoutMs } = settings;
  const { plan, egress } = task;
  const isPhoto = link.isPhoto ?? false;
  const chain = new SourceChain({ ref: link.ref, isPhoto, egress, plan, pacer, deadline, timeoutMs, send });
  const result = await chain.run();
  const { attempts } = chain;
  return 'needs' in result ? { needs: 'ttwid', link, rest: result.rest, attempts } : { ...result, attempts };
}

async function registerTtwid(task: TtwidTask): Promise<string | null> {
  const platform: Platform = 'douyin';
  const reply = await sendJob(task, { op: 'ttwid', platform, post: '', url: '' }, settings.timeoutMs / 3);
  return reply.ok ? asString(asObject(reply.data).ttwid) || null : null;
}

async function sendJob(
  { socketPath, proxy }: Pick<WorkerTask, 'socketPath' | 'proxy'>,
  job: Omit<Job, 'id' | 'timeout' | 'proxy'>,
  timeoutMs: number,
): Promise<Reply> {
  const child = await connected(socketPath);
  const { pid } = child.hello;
  const timer = setTimeout(() => {
    child.close(new JobOverdue('the child hung'));
    kill(pid);
  }, timeoutMs + KILL_GRACE_MS);
  try {
    return await child.request({ ...job, timeout: Math.max(timeoutMs, 1) / 1000, proxy });
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
  const giveUpAt = Date.now() + HOST_WAIT_MS;
  for (;;) {
    try {
      connection = await Connection.open(socketPath);
      connectedTo = socketPath;
      jobsDone = 0;
      return connection;
    } catch (error) {
      if (Date.now() >= giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, HOST_POLL_MS));
    }
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}

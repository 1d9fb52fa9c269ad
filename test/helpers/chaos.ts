import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { indexOfBestH264 } from './download.ts';
import { pythonTree, until } from './processes.ts';
import { NO_REDIS, TestRedis } from './redis.ts';
import { sendRequest, type TestResponse } from './request.ts';
import { type Body, type Service, startService } from './service.ts';
import {
  type AssetPart,
  photoPost,
  type Standin,
  type StandinPost,
  startStandin,
  VIDEO_SECONDS,
  videoPost,
} from './standin/index.ts';
import { descendants, openFiles, rssOf } from './watch.ts';

/**
 * Faults at random under a mixed load. Whatever is answered must be right (the stand-in knows the bytes), or an error
 * that one of the faults in force explains; what is left at the end must be what was there at the beginning.
 */

const WORKERS = 4;
/** More than a child may unpack. */
const BOMB = gzipSync(Buffer.alloc(64 * 1024 * 1024));
const NAN_PAGE =
  '<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">{"__DEFAULT_SCOPE__":NaN,"a":1e999}</script>';
const VISITORS = 8;
/** A fault explains failures for this long after its end: a host that is being started, an egress that rests. */
const AFTERMATH_MS = 20_000;
/** The relay keeps a connection to the CDN for 15 s, 60 where the CDN says so. */
const KEPT_CONNECTIONS_MS = 70_000;
/** Room for kept films, and soon full of what is not ours. */
const DISK_MB = 64;

export interface ChaosReport {
  seed: number;
  seconds: number;
  answers: Record<string, number>;
  faults: Record<string, number>;
  skipped: string[];
  /** Answers that nothing explains. */
  wrong: string[];
  /** Failures after the last fault, once everything had time to recover. */
  wrongInPeace: string[];
  left: {
    hosts: number;
    children: number;
    ffmpegs: number;
    sockets: number;
    socketsBefore: number;
    upstreams: number;
    /** Of works that brought no file that is kept. */
    abandonedFolders: string[];
    partFiles: string[];
    deletedFiles: string[];
    rssBefore: number;
    rssAfter: number;
  };
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Fault {
  name: string;
  /** Error codes that it explains. */
  explains: readonly string[];
  /** Whether bodies may break in the middle. */
  breaks?: boolean;
  run(): Promise<void>;
}

interface Period {
  name: string;
  explains: readonly string[];
  breaks: boolean;
  from: number;
  to: number;
}

/** What one request came to: `ok …`, an error's code, `broken`, or what was wrong with it. */
interface Outcome {
  what: string;
  kind: 'right' | 'failed' | 'broken' | 'wrong';
}

export async function runChaos({
  seed,
  seconds,
  say = () => {},
}: {
  seed: number;
  seconds: number;
  say?: (line: string) => void;
}): Promise<ChaosReport> {
  const chaos = await Chaos.start(seed, say);
  try {
    return await chaos.run(seconds);
  } finally {
    await chaos.end();
  }
}

class Chaos {
  readonly #seed: number;
  readonly #say: (line: string) => void;
  readonly #random: () => number;
  readonly #standin: Standin;
  readonly #service: Service;
  readonly #redis: TestRedis | null;
  readonly #disk: string | null;
  readonly #tempDir: string;
  readonly #folder: string;
  readonly #periods: Period[] = [];
  readonly #answers: Record<string, number> = {};
  readonly #faultCounts: Record<string, number> = {};
  readonly #skipped: string[] = [];
  #lastId: bigint;

  static async start(seed: number, say: (line: string) => void): Promise<Chaos> {
    const standin = await startStandin({ latencyMs: 20, pageBytes: 30_000 });
    const redis = NO_REDIS === null ? await TestRedis.start() : null;
    const folder = mkdtempSync(join(tmpdir(), 'chaos-'));
    const disk = mountedDisk(folder);
    const service = await startService(standin, {
      MAX_WORKERS: String(WORKERS),
      YTDLP_TIMEOUT: '5',
      DOWNLOAD_TIMEOUT: '5',
      CACHE_TTL: '3',
      TEMP_DIR: folder,
      ...(redis && { REDIS_URL: redis.url }),
    });
    return new Chaos({
      seed,
      say,
      standin,
      redis,
      disk: disk === null ? folder : null,
      folder,
      service,
      diskProblem: disk,
    });
  }

  private constructor(parts: {
    seed: number;
    say: (line: string) => void;
    standin: Standin;
    redis: TestRedis | null;
    disk: string | null;
    folder: string;
    service: Service;
    diskProblem: string | null;
  }) {
    this.#seed = parts.seed;
    this.#say = parts.say;
    this.#random = randomFrom(parts.seed);
    this.#standin = parts.standin;
    this.#redis = parts.redis;
    this.#disk = parts.disk;
    this.#folder = parts.folder;
    this.#tempDir = parts.folder;
    this.#service = parts.service;
    this.#lastId = BigInt(parts.seed % 1_000_000) * 100_000n;
    if (parts.diskProblem !== null) this.#skipped.push(`a full disk: ${parts.diskProblem}`);
    if (NO_REDIS !== null) this.#skipped.push(`a broken Redis: ${NO_REDIS}`);
  }

  async run(seconds: number): Promise<ChaosReport> {
    const { pid } = this.#service;
    const wrong: string[] = [];
    const wrongInPeace: string[] = [];
    // Every thread and every kind of work once, so that "before" is what it looks like when warm.
    await this.#load(4000, wrongInPeace);
    await this.#quiet();
    const rssBefore = rssOf(pid);
    const socketsBefore = this.#sockets();

    const end = Date.now() + seconds * 1000;
    const load = this.#load(seconds * 1000, wrong);
    while (Date.now() < end) await this.#strike();
    await load;
    await sleep(AFTERMATH_MS);
    this.#periods.length = 0;
    await this.#load(5000, wrongInPeace);
    await this.#quiet();
    // Connections that are kept for the next file go after a while of not being used.
    await until(() => this.#sockets() <= socketsBefore, KEPT_CONNECTIONS_MS);

    const tree = pythonTree(pid);
    const below = descendants(pid);
    const files = readdirSync(this.#tempDir, { recursive: true }).map(String);
    const open = openFiles(pid);
    return {
      seed: this.#seed,
      seconds,
      answers: this.#answers,
      faults: this.#faultCounts,
      skipped: this.#skipped,
      wrong,
      wrongInPeace,
      left: {
        hosts: tree.host === null ? 0 : 1,
        children: tree.children.length,
        ffmpegs: below.filter(({ command }) => /ffmpeg/.test(command)).length,
        sockets: this.#sockets(),
        socketsBefore,
        upstreams: this.#standin.journal.running().length,
        abandonedFolders: files.filter(
          (name) =>
            /^run-[^/]+\/(?:mp3|slideshow)-[^/]+$/.test(name) &&
            !files.some((file) => file.startsWith(`${name}/`) && /\.mp[34]$/.test(file)),
        ),
        partFiles: files.filter((name) => name.endsWith('.part')),
        deletedFiles: open.filter((path) => path.endsWith(' (deleted)')),
        rssBefore,
        rssAfter: rssOf(pid),
      },
    };
  }

  async end(): Promise<void> {
    await this.#service.stop();
    await this.#redis?.stop();
    await this.#standin.close();
    if (this.#disk !== null) execFileSync('umount', ['-l', this.#disk]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Waits until nobody is served any more. */
  async #quiet(): Promise<void> {
    await until(() => this.#standin.journal.running().length === 0, 15_000);
    await until(() => !descendants(this.#service.pid).some(({ command }) => /ffmpeg/.test(command)), 15_000);
    await sleep(500);
  }

  #sockets(): number {
    return openFiles(this.#service.pid).filter((path) => path.startsWith('socket:')).length;
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  async #load(ms: number, wrong: string[]): Promise<void> {
    const end = Date.now() + ms;
    const visitor = async () => {
      while (Date.now() < end) {
        const began = Date.now();
        const { what, kind } = await this.#visit();
        this.#answers[what] = (this.#answers[what] ?? 0) + 1;
        const problem = this.#judge(what, kind, began);
        if (problem !== null) wrong.push(problem);
        await sleep(this.#below(60));
      }
    };
    await Promise.all(Array.from({ length: VISITORS }, visitor));
  }

  #judge(what: string, kind: Outcome['kind'], began: number): string | null {
    if (kind === 'right') return null;
    if (kind === 'wrong') return what;
    const inForce = this.#periods.filter(({ to }) => to + AFTERMATH_MS >= began);
    const explained =
      kind === 'broken'
        ? inForce.some(({ breaks }) => breaks)
        : inForce.some(({ explains }) => explains.some((code) => what.endsWith(` ${code}`)));
    return explained
      ? null
      : `${what}, with ${[...new Set(inForce.map(({ name }) => name))].join(', ') || 'no fault'} in force`;
  }

  /** One fault, of some seconds, and a breath after it. */
  async #strike(): Promise<void> {
    const fault = this.#pick(this.#faults());
    const period = {
      name: fault.name,
      explains: fault.explains,
      breaks: fault.breaks ?? false,
      from: Date.now(),
      to: Number.POSITIVE_INFINITY,
    };
    this.#periods.push(period);
    this.#faultCounts[fault.name] = (this.#faultCounts[fault.name] ?? 0) + 1;
    this.#say(fault.name);
    await fault.run();
    period.to = Date.now();
    await sleep(300 + this.#below(700));
  }

  /** Connections that send `text`, read nothing, and leave after two seconds. */
  async #attack(connections: number, text: string): Promise<void> {
    const { port, hostname } = new URL(this.#service.baseUrl);
    const sockets = Array.from({ length: connections }, () => {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => {});
      socket.pause();
      socket.write(text);
      return socket;
    });
    await sleep(2000);
    for (const socket of sockets) socket.destroy();
  }

  #faults(): Fault[] {
    const { faults } = this.#standin;
    const { pid } = this.#service;
    const children = () => pythonTree(pid).children;
    const signal = (victim: number | undefined | null, name: NodeJS.Signals) => {
      try {
        if (victim) process.kill(victim, name);
      } catch {
        // It had gone by itself.
      }
    };
    const during =
      (match: Parameters<typeof faults.add>[0], fault: Parameters<typeof faults.add>[1]) => async () => {
        const rule = faults.add(match, fault);
        await sleep(500 + this.#below(1500));
        rule.remove();
      };
    const extraction = ['busy', 'timeout', 'upstream_failed', 'ip_blocked'];
    const relay = ['timeout', 'upstream_failed', 'ip_blocked'];
    const cdn = {
      host: /tiktokcdn|webapp-prime|tiktokv|\.tiktok\.com/,
      path: /\/(?:video|obj|tos|aweme|music|image)/,
    };
    const list: Fault[] = [
      {
        name: 'a child killed',
        explains: ['busy'],
        run: async () => signal(this.#pick(children()), 'SIGKILL'),
      },
      {
        name: 'all children killed',
        explains: ['busy'],
        run: async () => {
          for (const child of children()) signal(child, 'SIGKILL');
        },
      },
      {
        name: 'a child frozen',
        explains: ['busy', 'timeout'],
        run: async () => signal(this.#pick(children()), 'SIGSTOP'),
      },
      {
        name: 'the host killed',
        explains: ['busy'],
        run: async () => signal(pythonTree(pid).host, 'SIGKILL'),
      },
      {
        name: 'pages stalled',
        explains: extraction,
        breaks: true,
        run: during({ part: 'page' }, { kind: 'stall', after: 5000 }),
      },
      {
        name: 'pages reset',
        explains: extraction,
        breaks: true,
        run: during({ part: 'page' }, { kind: 'reset' }),
      },
      {
        name: 'CDN stalled',
        explains: relay,
        breaks: true,
        run: during({ ...cdn, method: 'GET' }, { kind: 'stall', after: 30_000 }),
      },
      {
        name: 'CDN reset',
        explains: relay,
        breaks: true,
        run: during({ ...cdn, method: 'GET' }, { kind: 'cut', after: 20_000 }),
      },
      {
        name: 'CDN refuses',
        explains: relay,
        breaks: true,
        run: during({ part: 'video' }, { kind: 'status', status: 403 }),
      },
      {
        name: 'CDN sends HTML',
        explains: relay,
        breaks: true,
        run: during({ part: 'video' }, { kind: 'html' }),
      },
      {
        name: 'CDN has another file',
        explains: relay,
        breaks: true,
        run: during({ part: 'video', ranged: true }, { kind: 'changed' }),
      },
      {
        name: 'pages that unpack without end',
        explains: [...extraction, 'extractor_outdated'],
        run: during(
          { part: 'page' },
          { kind: 'status', status: 200, headers: { 'content-encoding': 'gzip' }, body: [BOMB] },
        ),
      },
      {
        name: 'pages whose JSON is none',
        explains: [...extraction, 'extractor_outdated'],
        run: during({ part: 'page' }, { kind: 'status', status: 200, body: NAN_PAGE }),
      },
      {
        name: 'a flood of pipelined requests',
        explains: [],
        run: () => this.#attack(5, 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(5000)),
      },
      {
        name: 'clients that read nothing',
        explains: [],
        run: () =>
          this.#attack(50, 'GET /docs/static/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(5)),
      },
      {
        name: 'links expired',
        explains: extraction,
        run: async () => this.#standin.expireNow(),
      },
    ];
    const redis = this.#redis;
    if (redis) {
      list.push(
        {
          name: 'Redis killed',
          explains: [],
          run: async () => {
            await redis.kill();
            await sleep(1000);
            await redis.start();
          },
        },
        {
          name: 'Redis frozen',
          explains: [],
          run: async () => {
            redis.signal('SIGSTOP');
            await sleep(1500);
            redis.signal('SIGCONT');
          },
        },
      );
    }
    const disk = this.#disk;
    if (disk !== null) {
      list.push({
        name: 'disk full',
        explains: ['render_failed', 'busy'],
        run: async () => {
          const filler = join(disk, 'filler');
          try {
            writeFileSync(filler, Buffer.alloc(DISK_MB * 1024 * 1024));
          } catch {
            // As much as fits.
          }
          await sleep(1500);
          rmSync(filler, { force: true });
        },
      });
    }
    return list;
  }

  #newPost(): StandinPost {
    this.#lastId += 1n;
    const id = String(7_500_900_000_000_000_000n + this.#lastId);
    const kind = this.#below(10);
    const post =
      kind < 6
        ? videoPost({ id, music: kind === 0 ? 'm4a' : 'mp3' })
        : photoPost({
            id,
            photos: ['tiny', 'portrait_1', 'webp'].slice(0, 1 + this.#below(3)) as StandinPost['photos'],
          });
    return this.#standin.posts.add(post);
  }

  async #visit(): Promise<Outcome> {
    const post = this.#newPost();
    try {
      return await this.#visitPost(post);
    } finally {
      this.#standin.posts.remove(post.id);
    }
  }

  async #visitPost(post: StandinPost): Promise<Outcome> {
    const asked = await sendRequest(`${this.#service.baseUrl}/tiktok`, { json: { url: post.url } });
    const refusal = refusalOf('post', asked);
    if (refusal) return refusal;
    const body = JSON.parse(asked.body.toString()) as Body;
    if (body.id !== post.id || body.status !== (post.kind === 'video' ? 'tunnel' : 'picker')) {
      return { what: `post ${post.id} answered as ${body.id}`, kind: 'wrong' };
    }
    const links = body.download_link ?? {};
    const first = [links.no_watermark].flat()[0] ?? '';
    const part: AssetPart = post.kind === 'video' ? 'video' : 'photo';
    const index = post.kind === 'video' ? indexOfBestH264(post) : 0;
    const truth = this.#standin.media.bytes({ post, part, index });
    switch (this.#pick(['stream', 'range', 'leave', 'mp3', 'mp3', 'made', 'made'] as const)) {
      case 'stream':
        return compare('stream', await sendRequest(first), truth);
      case 'range': {
        const from = this.#below(truth.length - 1);
        const to = from + this.#below(truth.length - from);
        const got = await sendRequest(first, { headers: { range: `bytes=${from}-${to}` } });
        // Where the CDN has another file meanwhile, that one is the truth; a mixture of the two never is.
        const another = this.#standin.media.bytes({ post, part, index }, 1);
        const other = compare('range', got, another.subarray(from, to + 1), 206);
        return other.kind === 'right' ? other : compare('range', got, truth.subarray(from, to + 1), 206);
      }
      case 'leave':
        await sendRequest(first, { leaveAfter: 1 + this.#below(truth.length) });
        return { what: 'left', kind: 'right' };
      case 'mp3': {
        const got = await sendRequest(String(links.mp3));
        // 192 kbit/s; a disk that was full must not have cut off its end. Sources beside the page do not know the track:
        // the MP3 is made of the video then, which is the shorter one.
        const isMade = (bytes: Buffer) =>
          bytes.toString('latin1', 0, 3) === 'ID3' && bytes.length >= VIDEO_SECONDS * 24_000;
        if (post.music !== 'mp3') return resemble('made mp3', got, isMade);
        const track = compare('mp3', got, this.#standin.media.bytes({ post, part: 'music', index: 0 }));
        return track.kind === 'wrong' ? resemble('mp3 of the video', got, isMade) : track;
      }
      case 'made': {
        if (post.kind === 'video') return compare('HD', await sendRequest(String(links.no_watermark)), truth);
        if (this.#random() < 0.5) {
          const photos = post.photos.map((_, at) =>
            this.#standin.media.bytes({ post, part: 'photo', index: at }),
          );
          return resemble(
            'zip',
            await sendRequest(String(links.zip)),
            (bytes) => bytes.readUInt32BE(0) === 0x504b0304 && photos.every((photo) => bytes.includes(photo)),
          );
        }
        const film = await sendRequest(String(body.download_slideshow_link));
        return resemble('slideshow', film, (bytes) => bytes.toString('latin1', 4, 8) === 'ftyp');
      }
    }
  }
}

/** The outcome of an answer that is no 200 or 206; null for those. */
function refusalOf(name: string, { status, body, whole, failure, headers }: TestResponse): Outcome | null {
  if (status === 0) return { what: `${name} unanswered: ${failure}`, kind: 'wrong' };
  if (status === 200 || status === 206) return null;
  if (!whole) return { what: `${name} ${status} broken`, kind: 'wrong' };
  const error = parse(body);
  const proper =
    typeof error.code === 'string' &&
    typeof error.error === 'string' &&
    headers['content-disposition'] === undefined;
  return { what: `${name} ${status} ${String(error.code)}`, kind: proper ? 'failed' : 'wrong' };
}

function parse(body: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(body.toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function resemble(
  name: string,
  answer: TestResponse,
  isRight: (bytes: Buffer) => boolean,
  status = 200,
): Outcome {
  const refusal = refusalOf(name, answer);
  if (refusal) return refusal;
  if (answer.status !== status) return { what: `${name} with ${answer.status}`, kind: 'wrong' };
  if (!answer.whole) return { what: `${name} broken`, kind: 'broken' };
  if (Number(answer.headers['content-length']) !== answer.body.length || !isRight(answer.body)) {
    return { what: `${name} of ${answer.body.length} other bytes`, kind: 'wrong' };
  }
  return { what: `${name} right`, kind: 'right' };
}

/** Also what came of a body that broke must be a true beginning. */
function compare(name: string, answer: TestResponse, truth: Buffer, status = 200): Outcome {
  const outcome = resemble(name, answer, (bytes) => bytes.equals(truth), status);
  if (outcome.kind === 'broken' && !truth.subarray(0, answer.body.length).equals(answer.body)) {
    return { what: `${name} broken, of other bytes`, kind: 'wrong' };
  }
  return outcome;
}

/** Makes the folder a small disk; says why not where that is not possible. */
function mountedDisk(folder: string): string | null {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', folder], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  }
}

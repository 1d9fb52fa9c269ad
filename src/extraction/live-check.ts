import { setTimeout as sleep } from 'node:timers/promises';
import type { Egress } from '../egress/index.ts';
import type { Platform, Post, PostRef } from '../posts/post.ts';
import { asObject, asString } from '../posts/raw.ts';
import { canonicalUrl, type PostLink } from '../posts/url.ts';
import { Connection } from './connection.ts';
import { type HostOptions, HostProcess } from './host-process.ts';
import type { Job, RawResponse, Reply, ResponseFacts } from './protocol.ts';
import { SourcePlanner } from './source-planner.ts';
import { type Plan, pacerSlots, SourceChain } from './sources/chain.ts';
import type { Meaning, SourceId } from './sources/meaning.ts';
import { Pacer } from './sources/pacer.ts';
import { type Resolved, resolveShortLink } from './sources/short-link.ts';
import { readOembed } from './sources/tiktok.ts';

/** One request to one source, and what came. */
export interface SourceCheck {
  ref: PostRef;
  /** The egress without its address: `direct`, `proxy 1`. */
  egress: string;
  source: SourceId | 'ttwid';
  /** The impersonated browser; empty for none. */
  target: string;
  answer: ResponseFacts | null;
  /** Null unless asked for. */
  raw: RawResponse | null;
  kind: Meaning['kind'] | 'exists' | 'unknown' | 'no statement' | 'registered' | 'not asked';
  /** Error code and reason. */
  detail: string;
  post: Post | null;
}

export interface LiveCheckOptions {
  host: HostOptions;
  egresses: readonly Egress[];
  timeoutMs: number;
  /** Milliseconds between two tries at one egress. */
  paceMs: number;
  /** Whether to keep whole responses. */
  raw: boolean;
}

type Question = Omit<Job, 'id' | 'timeout' | 'proxy'>;
type Seen = Pick<SourceCheck, 'ref' | 'source' | 'kind'> & Partial<SourceCheck>;

/** Sources that are asked as an app or as one certain phone. */
const WITHOUT_TARGET: ReadonlySet<SourceId> = new Set(['douyin-slides', 'douyin-share', 'douyin-feed']);

/** Asks every source for a post, the page as every browser, at every egress; for operators. */
export class LiveCheck {
  readonly #host: HostProcess;
  readonly #options: LiveCheckOptions;
  #probes: EgressProbe[] = [];

  constructor(options: LiveCheckOptions) {
    this.#options = options;
    this.#host = new HostProcess(options.host);
  }

  /** @throws where the engine does not start @returns versions */
  async start(): Promise<{ ytdlp: string; curl_cffi: string | null; python: string }> {
    const { egresses, host } = this.#options;
    const { targets, ytdlp, curlCffi, python } = await this.#host.start();
    const { cookiesPath } = host;
    const planner = new SourcePlanner({ egresses, targets: () => targets, cookiesPath });
    this.#probes = egresses.map((egress, index) => {
      const name = egress.proxy ? `proxy ${index + 1}` : 'direct';
      return new EgressProbe(egress, name, planner, this.#host.socketPath, this.#options);
    });
    return { ytdlp, curl_cffi: curlCffi, python };
  }

  /** The post of a link, by the first egress. */
  resolve(link: PostLink): Promise<Resolved> {
    return link.kind === 'post' ? Promise.resolve({ ok: true, link }) : this.#probe().resolve(link);
  }

  /** All egresses at once. */
  async ask(ref: PostRef): Promise<SourceCheck[]> {
    return (await Promise.all(this.#probes.map((probe) => probe.ask(ref)))).flat();
  }

  /** Waits until another request may be sent through an egress. */
  pace(egress: string): Promise<void> {
    return this.#probe(egress).pace();
  }

  /** Cookies that were sent or set, which no saved file may have. */
  get secrets(): ReadonlySet<string> {
    return new Set(this.#probes.flatMap(({ secrets }) => [...secrets]));
  }

  async close(): Promise<void> {
    for (const probe of this.#probes) probe.close();
    await this.#host.close();
  }

  #probe(egress?: string): EgressProbe {
    const found = this.#probes.find(({ name }) => name === egress) ?? this.#probes[0];
    if (!found) throw new Error('not started');
    return found;
  }
}

/** Asks one thing after the other through one egress. */
class EgressProbe {
  readonly name: string;
  readonly secrets = new Set<string>();
  readonly #egress: Egress;
  readonly #planner: SourcePlanner;
  readonly #socketPath: string;
  readonly #options: LiveCheckOptions;
  #connection: Connection | null = null;
  #ttwid: string | null = null;
  #nextAt = 0;

  constructor(
    egress: Egress,
    name: string,
    planner: SourcePlanner,
    socketPath: string,
    options: LiveCheckOptions,
  ) {
    this.name = name;
    this.#egress = egress;
    this.#planner = planner;
    this.#socketPath = socketPath;
    this.#options = options;
  }

  async pace(): Promise<void> {
    const wait = Math.max(0, this.#nextAt - Date.now());
    this.#nextAt = Date.now() + wait + this.#options.paceMs;
    await sleep(wait);
  }

  resolve(link: Extract<PostLink, { kind: 'short' }>): Promise<Resolved> {
    return resolveShortLink(link, async (question) => {
      await this.pace();
      return this.#send(question);
    });
  }

  async ask(ref: PostRef): Promise<SourceCheck[]> {
    const plan = this.#planner.plan(this.#egress.id, ref.platform);
    const checks: SourceCheck[] = [];
    if (ref.platform === 'douyin' && this.#ttwid === null) checks.push(await this.#registerTtwid(ref));
    for (const source of plan.sources) {
      const targets = source === 'page' ? plan.targets : plan.targets.slice(0, 1);
      for (const target of targets.length > 0 ? targets : [undefined]) {
        checks.push(await this.#askSource(ref, source, target, plan));
      }
    }
    if (ref.platform === 'tiktok') checks.push(await this.#askOembed(ref, plan.targets[0]));
    return checks;
  }

  async #askSource(
    ref: PostRef,
    source: SourceId,
    target: string | undefined,
    plan: Plan,
  ): Promise<SourceCheck> {
    await this.pace();
    const { timeoutMs } = this.#options;
    const targets = target === undefined ? [] : [target];
    let reply: Reply | undefined;
    const chain = new SourceChain({
      ref,
      // Keeps the chain from asking oEmbed as a witness.
      isPhoto: true,
      egress: this.#egress.id,
      plan: { ...plan, sources: [source], targets, ttwid: this.#ttwid, ttwidIsFresh: true, slot: 0 },
      pacer: new Pacer(Pacer.memory(pacerSlots(1))),
      deadline: performance.now() + timeoutMs,
      timeoutMs,
      send: async (question, limitMs) => {
        const got = await this.#send(question, limitMs);
        reply ??= got;
        return got;
      },
    });
    const result = await chain.run();
    const browser = source === 'mobile' ? (plan.mobileTarget ?? target) : target;
    const seen = { ref, source, target: WITHOUT_TARGET.has(source) ? '' : (browser ?? '') };
    const attempt = chain.attempts[0];
    if (!attempt) return this.#check({ ...seen, kind: 'not asked', detail: 'no ttwid' }, reply);
    const { outcome: kind, reason } = attempt;
    const hasCode = kind === 'verdict' || kind === 'withheld' || kind === 'failed';
    const code = hasCode && 'code' in result ? result.code : '';
    const detail = [code, reason && `(${reason})`].filter(Boolean).join(' ');
    return this.#check({ ...seen, kind, detail, post: result.ok ? result.post : null }, reply);
  }

  async #askOembed(ref: PostRef, target = ''): Promise<SourceCheck> {
    await this.pace();
    const question = { ...questionFor('oembed', 'tiktok'), post: ref.id, url: canonicalUrl(ref) };
    const reply = await this.#send({ ...question, ...(target !== '' && { target }) });
    const exists =
      reply.ok && reply.answer ? readOembed({ data: reply.data, answer: reply.answer }, ref.id) : null;
    const kind = exists === null ? 'no statement' : exists ? 'exists' : 'unknown';
    return this.#check({ ref, source: 'oembed', target, kind }, reply);
  }

  async #registerTtwid(ref: PostRef): Promise<SourceCheck> {
    await this.pace();
    const reply = await this.#send(questionFor('ttwid', 'douyin'));
    this.#ttwid = (reply.ok && asString(asObject(reply.data).ttwid)) || null;
    if (this.#ttwid !== null) this.secrets.add(this.#ttwid);
    return this.#check({ ref, source: 'ttwid', kind: this.#ttwid === null ? 'failed' : 'registered' }, reply);
  }

  #check(seen: Seen, reply: Reply | undefined): SourceCheck {
    const { answer, raw = null } = reply?.ok ? reply : { answer: null };
    for (const value of raw?.cookies ?? []) this.secrets.add(value);
    return { target: '', detail: '', post: null, ...seen, egress: this.name, answer, raw };
  }

  async #send(question: Question, limitMs: number = this.#options.timeoutMs): Promise<Reply> {
    const proxy = this.#egress.proxy?.reveal() ?? null;
    const { raw } = this.#options;
    try {
      if (!this.#connection || this.#connection.closed) {
        this.#connection = await Connection.open(this.#socketPath);
      }
      return await this.#connection.request({ ...question, proxy, timeout: limitMs / 1000, raw });
    } catch (error) {
      return { id: 0, ok: false, error: { kind: 'connection', message: String(error) } };
    }
  }

  close(): void {
    this.#connection?.close();
  }
}

function questionFor(op: Job['op'], platform: Platform): Question {
  return { op, platform, post: '', url: '' };
}

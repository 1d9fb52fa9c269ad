import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Addresses, type AssetRef } from './addresses.ts';
import { createAuthority } from './authority.ts';
import { answerCdn, subjectOfCdn } from './cdn.ts';
import { bytesOf, type Content, contentOf, sha256Of } from './content.ts';
import { deliver, type Exchange, html } from './delivery.ts';
import { SharePace } from './douyin/share.ts';
import { answerDouyin, type Douyin, postIdOfDouyin, sourceOfDouyin } from './douyin/site.ts';
import { Ttwids } from './douyin/ttwid.ts';
import { type Fault, Faults } from './faults.ts';
import { CERTIFICATE_HOSTS, roleOf } from './hosts.ts';
import { Journal, type JournalEntry } from './journal.ts';
import { loadMedia } from './media.ts';
import { type AssetPart, PostRegistry, type StandinPost } from './posts.ts';
import { type ProxyPort, plain, startProxy, type Tunnel } from './proxy.ts';
import { refusalAnswer } from './refusal-answers.ts';
import { type RefusalKind, Refusals } from './refusals.ts';
import { registerScenarios } from './scenarios.ts';
import { ShortLinks } from './short-links.ts';
import { Signer } from './signing.ts';
import { DEFAULT_SETTINGS, DOUYIN_SOURCES, type Settings, type Source, TIKTOK_SOURCES } from './sources.ts';
import { Challenge } from './tiktok/challenge.ts';
import { PagePrinter } from './tiktok/pages.ts';
import { answerSite, postIdOfSite, type Site, sourceOfSite } from './tiktok/site.ts';

export interface StandinOptions {
  /** Milliseconds before a page, a short link or an API answers. */
  latencyMs?: number;
  /** Milliseconds before the CDN answers. */
  cdnLatencyMs?: number;
  /** Bytes of a page without its item; real ones have 230,000 to 480,000. */
  pageBytes?: number;
  /** Port of the first proxy; any free one by default. */
  port?: number;
  /** How many more proxies listen. */
  extraProxies?: number;
  /** `user:password` that every client must show. */
  credentials?: string;
  /** Pages only for requests with a browser's headers; others get the shell. */
  browsersOnly?: boolean;
  /** Every page behind the WAF's challenge. */
  challengeAll?: boolean;
  /** Douyin's detail API answers only with a cookie or the right Origin, as it does in truth (default). */
  douyinNeedsCookie?: boolean;
  /** Requests that are remembered. */
  journalLimit?: number;
  /** Where the public record is silent or contradicts itself. */
  settings?: Partial<Settings>;
}

/** Whose requests to sources a block is for; nothing given means everybody's. */
export interface Block {
  identity?: string;
  proxy?: number;
  /** What the blocked get; 403 by default. */
  fault?: Fault;
}

/** What the files really are, to compare with what a client got. */
export interface MediaTruth {
  /** The file of a post, or of any address that the stand-in gave out; `version` as the fault `changed` has it. */
  content(
    target: string | AssetRef | { post: StandinPost; part: AssetPart; index?: number },
    version?: number,
  ): Content;
  bytes(...target: Parameters<MediaTruth['content']>): Buffer;
  sha256(target: Parameters<MediaTruth['content']>[0]): string;
}

export interface Standin {
  proxyUrl: string;
  /** `proxyUrl` first, then the extra ones. */
  proxies: readonly ProxyPort[];
  /** PEM file with the CA; gone after `close`. */
  caFile: string;
  caPem: string;
  posts: PostRegistry;
  shortLinks: ShortLinks;
  faults: Faults;
  /** The refusals of the public record, by source, egress, browser and post. */
  refusals: Refusals;
  /** Where the public record is silent or contradicts itself; may be changed while it runs. */
  settings: Settings;
  journal: Journal;
  /** The journal's entries. */
  requests: readonly JournalEntry[];
  media: MediaTruth;
  addresses: Addresses;
  challenge: Challenge;
  /** The cookies `ttwid` that were registered, and by which egress. */
  ttwids: Ttwids;
  /** Forgets how fast share pages were asked for. */
  sharePace: SharePace;
  /** Proxy address with credentials in it, for an identity of its own. */
  proxyUrlFor(identity: string, proxy?: number): string;
  /** Hosts that the proxy cannot reach: CONNECT answers 502, tunnels that are open break. */
  unreachable: Set<string>;
  /**
   * Refuses the pages of a range of Chrome versions, as TikTok did in August 2026 (yt-dlp#17403, #17604); the
   * function that comes back lifts it.
   */
  refuseBrowsers(window: { from: number; to: number; egress?: number | string }): () => void;
  /** Refuses every source from now on; the function that comes back lifts the block. */
  block(block?: Block): () => void;
  /** Ends the life of all links given out so far, or of one post's. */
  expireNow(post?: StandinPost | string): void;
  openConnections(): number;
  close(): Promise<void>;
}

/** Starts the stand-in for TikTok, Douyin and their CDNs. */
export async function startStandin(options: StandinOptions = {}): Promise<Standin> {
  const media = await loadMedia();
  const signer = new Signer();
  const addresses = new Addresses(signer);
  const press = { media, addresses };
  const posts = new PostRegistry();
  const shortLinks = new ShortLinks(posts);
  const faults = new Faults();
  const journal = new Journal(options.journalLimit ?? 20_000);
  const challenge = new Challenge(signer);
  const settings: Settings = { ...DEFAULT_SETTINGS, ...options.settings };
  const refusals = new Refusals();
  const site: Site = {
    press,
    posts,
    settings,
    printer: new PagePrinter(press, options.pageBytes ?? 235_000),
    challenge,
    signer,
    addresses,
    browsersOnly: options.browsersOnly ?? false,
    challengeAll: options.challengeAll ?? false,
  };
  const ttwids = new Ttwids(signer);
  const pace = new SharePace();
  const needsCookie = options.douyinNeedsCookie ?? true;
  const douyin: Douyin = { press, posts, ttwids, settings, pace, needsCookie };
  const cdn = { addresses, media, posts };
  const blocks = new Set<Block>();
  const unreachable = new Set<string>();
  registerScenarios(posts, shortLinks);

  const blockFor = (tunnel: Tunnel): Fault | null => {
    for (const block of blocks) {
      const hit =
        (block.identity === undefined || block.identity === tunnel.identity) &&
        (block.proxy === undefined || block.proxy === tunnel.proxy);
      if (hit) return block.fault ?? { kind: 'status', status: 403, body: '<html>Access Denied</html>' };
    }
    return null;
  };

  /** What stands in the way of a request to a source: the rules of a test, then the post's own behaviour. */
  const refusalFor = (source: Source, postId: string | null, exchange: Exchange, tunnel: Tunnel) => {
    const { identity, proxy } = tunnel;
    const rule = refusals.take({ source, postId, identity, proxy, headers: exchange.headers });
    const kind = rule ?? refusalOfPost(posts.get(postId ?? ''), source);
    return kind === null ? null : refusalAnswer(site, kind, source, exchange);
  };

  const handle = async (exchange: Exchange, tunnel: Tunnel): Promise<void> => {
    const body = await bodyOf(exchange.request);
    const { entry, host, url, headers } = exchange;
    const role = roleOf(host);
    const short = role === 'short' || (role === 'site' && url.pathname.startsWith('/t/'));
    const ref = role === 'cdn' ? subjectOfCdn(cdn, exchange) : null;
    const source = role === 'cdn' ? null : sourceOf(role, short, exchange);
    if (short) entry.kind = 'redirect';
    else entry.kind = role === 'cdn' ? 'cdn' : 'page';
    entry.source = source;
    entry.postId =
      ref?.postId ?? (role === 'douyin' ? postIdOfDouyin(url) : short ? null : postIdOfSite(url));
    entry.part = ref?.part ?? (source === null ? null : partOf(source));
    const subject = {
      postId: entry.postId,
      part: entry.part,
      source,
      index: ref?.index ?? null,
      host,
      path: url.pathname,
      method: entry.method,
      identity: tunnel.identity,
      ranged: 'range' in headers,
    };
    const refusal = source === null ? null : refusalFor(source, entry.postId, exchange, tunnel);
    const own = source === null || short ? null : faultOfPost(posts.get(entry.postId ?? ''));
    const blocked = source === null ? null : blockFor(tunnel);
    const broken = refusal !== null && 'kind' in refusal ? refusal : null;
    const fault = blocked ?? broken ?? faults.take(subject) ?? own;
    const latency = role === 'cdn' ? options.cdnLatencyMs : options.latencyMs;
    if (latency) await sleep(latency, null, { ref: false });
    if (refusal !== null && !('kind' in refusal)) {
      await deliver(exchange, refusal, blocked);
      return;
    }
    const right =
      source === null
        ? answerCdn(cdn, exchange, fault)
        : short
          ? shortLinks.answer(exchange)
          : role === 'douyin'
            ? answerDouyin(douyin, source, exchange, body)
            : answerSite(site, source, exchange);
    await deliver(exchange, right, fault);
  };

  const onRequest = (request: IncomingMessage, response: ServerResponse, tunnel: Tunnel): void => {
    const url = new URL(`https://${tunnel.host}${request.url ?? '/'}`);
    const entry = journal.add({
      method: request.method ?? '',
      host: tunnel.host,
      url: url.href,
      headers: plain(request.headers),
      identity: tunnel.identity,
      proxy: tunnel.proxy,
      tls: tunnel.tls,
    });
    response.on('close', () => {
      entry.endedAt = Date.now();
      entry.aborted = !response.writableFinished;
    });
    const { host, reset } = tunnel;
    const exchange = { request, response, host, url, headers: entry.headers, entry, reset };
    handle(exchange, tunnel).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else deliver(exchange, html(599, `stand-in failed: ${String(error)}`), null);
    });
  };

  const authority = createAuthority(CERTIFICATE_HOSTS);
  const handlers = { journal, onRequest, credentials: options.credentials ?? null, unreachable };
  const proxies: ProxyPort[] = [];
  for (let index = 0; index <= (options.extraProxies ?? 0); index += 1) {
    proxies.push(await startProxy(index, authority, handlers, index === 0 ? options.port : 0));
  }
  const first = proxies[0]?.url ?? '';
  const folder = await mkdtemp(join(tmpdir(), 'standin-'));
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, authority.caPem);

  const content: MediaTruth['content'] = (target, version) => {
    const ref =
      typeof target === 'string'
        ? addresses.judge(new URL(target).hostname, target, {}).ref
        : 'post' in target
          ? { postId: target.post.id, part: target.part, index: target.index ?? 0 }
          : target;
    const post = ref === null ? null : posts.get(ref.postId);
    const found = ref === null || post === null ? null : contentOf(media, post, ref.part, ref.index, version);
    if (found === null) throw new Error('The stand-in has no such file');
    return found;
  };

  return {
    proxyUrl: first,
    proxies,
    caFile,
    caPem: authority.caPem,
    posts,
    shortLinks,
    faults,
    refusals,
    settings,
    journal,
    requests: journal.entries,
    addresses,
    challenge,
    ttwids,
    sharePace: pace,
    unreachable,
    media: {
      content,
      bytes: (...target) => bytesOf(content(...target)),
      sha256: (target) => sha256Of(content(target)),
    },
    proxyUrlFor: (identity, proxy = 0) =>
      (proxies[proxy]?.url ?? first).replace('//', `//${encodeURIComponent(identity)}:secret@`),
    refuseBrowsers({ from, to, egress }) {
      const rule = refusals.add({
        source: ['page', 'mobile'],
        kind: 'maintenance',
        browser: { family: 'chrome', from, to },
        ...(egress !== undefined && { egress }),
      });
      return rule.remove;
    },
    block(block = {}) {
      blocks.add(block);
      return () => blocks.delete(block);
    },
    expireNow: (post) => addresses.expireNow(typeof post === 'object' ? post.id : post),
    openConnections: () => proxies.reduce((sum, proxy) => sum + proxy.openConnections(), 0),
    async close() {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The body of a request; only a registration has one. */
async function bodyOf(request: IncomingMessage): Promise<string> {
  if (request.method !== 'POST') {
    request.resume();
    return '';
  }
  return text(request);
}

/** The source of a request that is not for a file. */
function sourceOf(role: 'short' | 'site' | 'douyin', short: boolean, exchange: Exchange): Source {
  const { host, url, headers } = exchange;
  if (short) return host.endsWith('douyin.com') ? 'douyin-short' : 'short';
  return role === 'douyin' ? sourceOfDouyin(host, url, headers) : sourceOfSite(url, headers);
}

/** `page` also stands for what has no name of its own, so that faults of a post's page still mean its page. */
function partOf(source: Source): string {
  if (source === 'douyin-short') return 'short';
  return source === 'other' || source === 'douyin-cookies' ? 'page' : source;
}

/** The fault that a post's own behaviour is; a fault set by a test goes before it. */
function faultOfPost(post: StandinPost | null): Fault | null {
  const behaviour = post?.behaviour;
  return typeof behaviour === 'object' && 'fault' in behaviour ? behaviour.fault : null;
}

/** The refusal that a post's own behaviour is, for this source. */
function refusalOfPost(post: StandinPost | null, source: Source): RefusalKind | null {
  const behaviour = post?.behaviour;
  if (typeof behaviour !== 'object' || !('refusal' in behaviour)) return null;
  const { refusal, sources = ['page', 'mobile'] } = behaviour;
  const hit: readonly Source[] = sources === 'all' ? [...TIKTOK_SOURCES, ...DOUYIN_SOURCES] : sources;
  return hit.includes(source) ? refusal : null;
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Connection } from '../../src/extraction/connection.ts';
import { HostProcess } from '../../src/extraction/host-process.ts';
import type { Job, Reply } from '../../src/extraction/protocol.ts';
import { type ChainResult, type Plan, pacerSlots, SourceChain } from '../../src/extraction/sources/chain.ts';
import { type Attempt, DOUYIN_SOURCES, TIKTOK_SOURCES } from '../../src/extraction/sources/meaning.ts';
import { Pacer } from '../../src/extraction/sources/pacer.ts';
import { desktopTargets, mobileTarget } from '../../src/extraction/sources/targets.ts';
import { engine } from './engine.ts';
import type { Standin, StandinPost } from './standin/index.ts';

export interface ChainRun {
  result: ChainResult;
  attempts: readonly Attempt[];
}

/** Spaces nothing out, so that a test of many refusals takes no seconds. */
class Hasty extends Pacer {
  constructor() {
    super(Pacer.memory(pacerSlots(1)));
  }

  override reserve(): number {
    return 0;
  }
}

/** The real yt-dlp host with one child, and chains that run in this process as they would in a worker. */
export interface SourceHost {
  /** Runs one chain with a plan in which nothing is skipped, but for what `plan` says. */
  run(
    post: Pick<StandinPost, 'id' | 'platform'> & { kind?: StandinPost['kind'] },
    options?: { plan?: Partial<Plan>; proxy?: string; timeoutMs?: number; pacer?: Pacer },
  ): Promise<ChainRun>;
  /** Sends one job to the child. @param proxy null for a direct connection */
  send(job: Omit<Job, 'id' | 'timeout' | 'proxy'>, proxy?: string | null): Promise<Reply>;
  /** Process ids of the host and of the child that does the jobs; 0 before the first. */
  pids(): { host: number; child: number };
  close(): Promise<void>;
}

export async function startSourceHost(standin: Standin, cookiesPath = ''): Promise<SourceHost> {
  const runDir = mkdtempSync(join(tmpdir(), 'sources-'));
  const log = pino({ level: 'silent' });
  const host = new HostProcess({
    engine,
    runDir,
    socketName: 's.sock',
    cookiesPath,
    caFile: standin.caFile,
    log,
  });
  const { targets, pid } = await host.start();
  let child: Connection | null = null;
  const send = async (job: Omit<Job, 'id' | 'timeout' | 'proxy'>, proxy: string | null, limitMs: number) => {
    if (!child || child.closed) child = await Connection.open(host.socketPath);
    return child.request({ ...job, proxy, timeout: limitMs / 1000 });
  };
  return {
    send: (job, proxy = standin.proxyUrl) => send(job, proxy, 10_000),
    pids: () => ({ host: pid, child: child?.hello.pid ?? 0 }),
    async run(
      { id, platform, kind },
      { plan = {}, proxy = standin.proxyUrl, timeoutMs = 10_000, pacer = new Hasty() } = {},
    ) {
      const chain = new SourceChain({
        ref: { platform, id },
        isPhoto: kind === 'photo',
        egress: 'direct',
        plan: {
          sources: platform === 'douyin' ? DOUYIN_SOURCES.slice(1) : TIKTOK_SOURCES,
          targets: desktopTargets(targets),
          mobileTarget: mobileTarget(targets),
          ttwid: null,
          ttwidIsFresh: false,
          isUnreadable: false,
          probes: [],
          slot: 0,
          ...plan,
        },
        pacer,
        deadline: performance.now() + timeoutMs,
        timeoutMs,
        send: (job, limitMs) => send(job, proxy, limitMs),
      });
      return { result: await chain.run(), attempts: chain.attempts };
    },
    async close() {
      child?.close();
      await host.close();
      rmSync(runDir, { recursive: true, force: true });
    },
  };
}

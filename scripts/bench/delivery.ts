/**
 * What a file costs the service alone and with DELIVERY=nginx: both fetch it from the same CDN in this process, over TLS.
 * nginx's column is what nginx alone takes.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Links, TokenSealer } from '../../src/links/index.ts';
import { mp4Bytes, serve, Upstream } from '../../test/cdn/fake-cdn.ts';
import { type Nginx, startNginx } from '../../test/deploy/nginx.ts';
import { processes } from '../../test/helpers/processes.ts';
import { freePort, KEY } from '../../test/helpers/service.ts';
import type { BenchEnv } from './env.ts';
import { cpuOf } from './procfs.ts';
import { download } from './relay.ts';
import { type Part, printTable, round, type Spread, shown, spread } from './report.ts';
import { startService } from './service.ts';

const MIB = 1024 ** 2;
const HOST = 'v16.tiktokcdn.com';
const CASES = [
  { streams: 1, mib: 200 },
  { streams: 20, mib: 50 },
];
const ROUNDS = 3;
const WARM_UPS = 3;
/** CPU seconds a GiB. */
type Cost = Record<'node' | 'nginx' | 'together', Spread>;

const REDIRECT = fileURLToPath(new URL('../../test/helpers/redirect-https.mjs', import.meta.url));

export async function delivery(env: BenchEnv): Promise<Part> {
  const dir = mkdtempSync(join(tmpdir(), 'delivery-'));
  env.onEnd(async () => rmSync(dir, { recursive: true, force: true }));
  const cdn = await Upstream.start();
  env.onEnd(() => cdn.stop());
  const caFile = join(dir, 'ca.pem');
  writeFileSync(caFile, cdn.authority.caPem);
  const port = await freePort();
  const service = await startService(
    { ...env, standin: null },
    {
      ...{ MAX_WORKERS: '1', TRUST_PROXY: 'loopback', DELIVERY: 'nginx', EXTRA_CA_CERTS: caFile },
      ...{ NODE_OPTIONS: `--import=${REDIRECT}`, REDIRECT_HTTPS: String(cdn.port) },
    },
  );
  const nginx = await startNginx([Number(new URL(service.baseUrl).port)], port, { port: cdn.port, caFile });
  env.onEnd(() => nginx.stop());
  const rows: (Cost & { name: string; streams: number })[] = [];
  const rounds = env.quick ? 1 : ROUNDS;
  for (const { streams, mib } of CASES) {
    cdn.script(HOST, serve(mp4Bytes(mib * MIB)));
    for (const [name, base] of [
      ['relay', service.baseUrl],
      ['nginx', nginx.baseUrl],
    ] as const) {
      const link = linkAt(base, mib);
      const fetchAtOnce = (count: number) =>
        Promise.all(Array.from({ length: count }, () => download([link], mib * MIB)));
      for (let n = 0; n < WARM_UPS; n += 1) await fetchAtOnce(1);
      const costs: { node: number; nginx: number }[] = [];
      for (let n = 0; n < rounds; n += 1) {
        const before = cpuSeconds(service.pid, nginx);
        await fetchAtOnce(streams);
        const after = cpuSeconds(service.pid, nginx);
        const gib = (streams * mib) / 1024;
        costs.push({ node: (after.node - before.node) / gib, nginx: (after.nginx - before.nginx) / gib });
      }
      rows.push({
        ...{ name, streams },
        node: spread(costs.map((cost) => cost.node)),
        nginx: spread(costs.map((cost) => cost.nginx)),
        together: spread(costs.map((cost) => cost.node + cost.nginx)),
      });
    }
  }
  await nginx.stop();
  await service.stop();
  await cdn.stop();
  printTable(
    'Files by the service itself and through nginx. CPU seconds a GiB',
    ['DELIVERY', 'streams', 'Node', 'nginx', 'together'],
    rows.map((row) => [
      ...[row.name, String(row.streams), round(row.node.median), round(row.nginx.median)],
      shown(row.together),
    ]),
  );
  return { figures: { rows }, targets: [] };
}

/** Sealed here, so that nothing has to be extracted. */
function linkAt(baseUrl: string, mib: number): string {
  const links = new Links(new TokenSealer(KEY), baseUrl, 3_600_000);
  return links.make(
    'stream',
    {
      ref: { platform: 'tiktok', id: '7400000000000000001' },
      asset: { kind: 'video', rendition: `h264_720p_${mib}` },
      source: { urls: [`https://${HOST}/video/${mib}`], cookie: null, egress: 'direct' },
    },
    links.expiryFromNow(),
  );
}

/** Of the service's Node process, and of nginx with its workers. */
function cpuSeconds(pid: number, nginx: Nginx): { node: number; nginx: number } {
  const seconds = (one: number) => cpuOf(`/proc/${one}/stat`).own / 1000;
  const ofNginx = processes().filter((one) => one.pid === nginx.pid || one.ppid === nginx.pid);
  return { node: seconds(pid), nginx: ofNginx.reduce((sum, one) => sum + seconds(one.pid), 0) };
}

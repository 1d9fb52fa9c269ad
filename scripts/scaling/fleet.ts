/**
 * What a fleet for so many posts a day needs, by the model: `npx tsx scripts/scaling/fleet.ts` prints the tables of
 * docs/SCALING.md and the figures of deploy/cells (`--json`: only those). A test compares both with what it prints.
 */
import { fileURLToPath } from 'node:url';
import { ASSUMED, CELL_MILLIONS, MEASURED } from './costs.ts';
import { cacheUse, meanWait, workersFor } from './model.ts';

const GIB = 2 ** 30;
const MB = 1e6;
const DAY = 86_400;

export type Assumptions = { [K in keyof typeof ASSUMED]: number };

/** One instance at its planned peak. */
export interface InstancePlan {
  /** Posts a second. */
  rate: number;
  /** MAX_WORKERS. */
  workers: number;
  cores: number;
  /** Of them, the main thread's: it relays all media, and is one. */
  main: number;
  memoryMb: number;
  /** Downloads under way. */
  readers: number;
}

/** An instance as busy as the autoscaler lets it become. */
export function planInstance(assumed: Assumptions = ASSUMED): InstancePlan {
  const { hitRate, latency, mediaBytes, visitorBits, podCores, workersUse } = assumed;
  const miss = 1 - hitRate;
  const relay = (mediaBytes / GIB) * MEASURED.relayPerGib;
  const rate = podCores / (miss * MEASURED.cold + hitRate * MEASURED.hit + relay);
  const workers = Math.ceil(workersFor(rate * miss, latency + MEASURED.overhead, workersUse) / 5) * 5;
  const readers = rate * ((mediaBytes * 8) / visitorBits);
  return {
    ...{ rate, workers, readers },
    cores: podCores,
    main: rate * (miss * MEASURED.coldMain + hitRate * MEASURED.hit + relay),
    memoryMb: memoryOf(workers, readers),
  };
}

/** MB of an instance with all workers busy. */
export function memoryOf(workers: number, readers = 0): number {
  return MEASURED.memoryBase + workers * MEASURED.memoryPerWorker + readers * MEASURED.memoryPerReader;
}

/** A fleet, or one cell of it, for so many posts a day. */
export interface FleetPlan {
  millions: number;
  cells: number;
  /** Posts a second. */
  mean: number;
  peak: number;
  /** At the peak. */
  instances: number;
  atMean: number;
  cores: number;
  memoryGb: number;
  /** Gbit/s of media at the peak: as much comes in as goes out. */
  gbits: number;
  /** Terabytes a day that go out to visitors. */
  terabytes: number;
  nginxCores: number;
  redisCores: number;
  redisBytes: number;
  coldRate: number;
  addresses: number;
}

export function planFleet(millions: number, assumed: Assumptions = ASSUMED): FleetPlan {
  const instance = planInstance(assumed);
  const miss = 1 - assumed.hitRate;
  const mean = (millions * 1e6) / DAY;
  const peak = mean * assumed.peak;
  // One more than the peak needs: any one of them may be gone.
  const cells = Math.ceil(millions / CELL_MILLIONS);
  const instances = cells * (Math.ceil(peak / cells / instance.rate) + 1);
  const bytes = peak * assumed.mediaBytes;
  return {
    ...{ millions, cells, mean, peak, instances },
    atMean: cells * (Math.ceil(mean / cells / instance.rate) + 1),
    cores: peak * (instance.cores / instance.rate),
    memoryGb: (instances * instance.memoryMb) / 1000,
    gbits: (bytes * 8) / 1e9,
    terabytes: (millions * 1e6 * assumed.mediaBytes) / 1e12,
    nginxCores: (bytes / GIB) * MEASURED.nginxPerGib,
    redisCores: peak * (miss * MEASURED.redisPerCold + assumed.hitRate * MEASURED.redisPerHit),
    redisBytes: peak * miss * assumed.ttl * MEASURED.redisBytesPerPost,
    coldRate: peak * miss,
    addresses: Math.ceil((peak * miss) / assumed.perAddress),
  };
}

/** Seconds that a post may wait in a queue; a neighbour is tried rather than waiting for longer. */
const LONGEST_WAIT = 10;

/** What an overlay in deploy/cells says, for a cell of so many posts a day. */
export interface CellManifest {
  maxWorkers: number;
  maxQueue: number;
  /** Workers of each pod that the autoscaler wants to be busy. */
  busyWorkers: number;
  minReplicas: number;
  maxReplicas: number;
  /** Mi. */
  memoryRequest: number;
  memoryLimit: number;
  /** MB. */
  redisMaxMemory: number;
  /** Mi. */
  redisMemory: number;
  /** Thousandths of a core. */
  redisCpu: number;
}

export function cellManifest(millions: number, assumed: Assumptions = ASSUMED): CellManifest {
  const instance = planInstance(assumed);
  const { atMean, instances, redisBytes, redisCores, cells } = planFleet(millions, assumed);
  const service = assumed.latency + MEASURED.overhead;
  const mebi = (megabytes: number) => (megabytes * MB) / 2 ** 20;
  const upTo = (value: number, step: number) => Math.ceil(value / step) * step;
  const redisMaxMemory = upTo((redisBytes / cells / MB) * 1.5, 256);
  return {
    maxWorkers: instance.workers,
    maxQueue: upTo((instance.workers / service) * LONGEST_WAIT, 50),
    busyWorkers: Math.floor(instance.workers * assumed.workersUse),
    // By night the fleet may be as small as the mean of the day asks for, and no smaller: the morning comes fast.
    minReplicas: Math.max(3, atMean / cells),
    // Half as many again as the planned peak: a hit rate, or a TikTok, worse than assumed.
    maxReplicas: Math.ceil((instances / cells) * 1.5),
    memoryRequest: upTo(mebi(instance.memoryMb), 128),
    // Films that are being rendered, and a heap that has grown.
    memoryLimit: upTo(mebi(instance.memoryMb) * 1.75, 256),
    redisMaxMemory,
    // Redis's own overhead, its clients' buffers and fragmentation.
    redisMemory: upTo(redisMaxMemory * 1.35, 256),
    redisCpu: upTo((redisCores / cells) * 1000 * 1.5, 100),
  };
}

const number = (value: number, digits = 0) =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const percent = (share: number) => `${(share * 100).toFixed(0)} %`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** The fleets, a column each. */
export function fleetTable(): string {
  const plans = [10, 100, 1000].map((millions) => planFleet(millions));
  const row = (name: string, show: (plan: FleetPlan) => string) => [name, ...plans.map(show)];
  return table(
    row('posts a day', ({ millions }) => `${number(millions)} million`),
    [
      row('posts/s: mean, peak', ({ mean, peak }) => `${number(mean)}, ${number(peak)}`),
      row('cells', ({ cells }) => number(cells)),
      row('instances: for the mean, for the peak', (p) => `${number(p.atMean)}, ${number(p.instances)}`),
      row('their cores busy at the peak', ({ cores }) => number(cores)),
      row('their memory, GB', ({ memoryGb }) => number(memoryGb)),
      row('media at the peak, Gbit/s in and as much out', ({ gbits }) => number(gbits)),
      row('media a day, TB out', ({ terabytes }) => number(terabytes)),
      row('nginx before them, cores (without TLS)', ({ nginxCores }) => number(nginxCores, 1)),
      row('Redis, all cells: cores', ({ redisCores }) => number(redisCores, 2)),
      row('Redis, all cells: memory for posts, GB', ({ redisBytes }) => number(redisBytes / 1e9, 1)),
      row('new posts/s asked of TikTok', ({ coldRate }) => number(coldRate)),
      ...[0.2, 1, 5].map((perAddress) =>
        row(`addresses, if one may ask ${perAddress} times a second`, ({ millions }) =>
          number(planFleet(millions, { ...ASSUMED, perAddress }).addresses),
        ),
      ),
    ],
  );
}

/** What changes the plan for 100 million posts a day, and by how much. */
export function sensitivityTable(): string {
  const cases: [string, Partial<Assumptions>][] = [
    ['as assumed', {}],
    ['nothing repeated', { hitRate: 0 }],
    ['80 % repeated', { hitRate: 0.8 }],
    ['TikTok takes 0.3 s', { latency: 0.3 }],
    ['TikTok takes 3 s', { latency: 3 }],
    ['3 MB a post', { mediaBytes: 3e6 }],
    ['20 MB a post', { mediaBytes: 20e6 }],
    ['CACHE_TTL an hour, hit rate the same', { ttl: 3600 }],
  ];
  return table(
    [
      '100 million a day',
      'posts/s an instance',
      'workers each',
      'MB each',
      'instances',
      'cores',
      'Gbit/s',
      'Redis GB',
    ],
    cases.map(([name, change]) => {
      const assumed = { ...ASSUMED, ...change };
      const [one, all] = [planInstance(assumed), planFleet(100, assumed)];
      return [
        ...[name, number(one.rate), number(one.workers), number(one.memoryMb), number(all.instances)],
        ...[number(all.cores), number(all.gbits), number(all.redisBytes / 1e9, 1)],
      ];
    }),
  );
}

/** Different posts that the world asks for: an assumption, as skew is. */
const CATALOGUE = 10e6;
/** Of one instance's own memory (32 MiB of JSON), in posts. */
export const OWN_POSTS = Math.floor((32 * 2 ** 20) / MEASURED.redisBytesPerPost);

/** Hit rates by rate, lifetime and skew, shared and by instance. */
export function hitRateTable(): string {
  const rows = [116, 1157, 11_574].flatMap((rate) =>
    [300, 3600, 21_600].map((ttl) => {
      const shared = (skew: number) => percent(cacheUse({ rate, posts: CATALOGUE, skew, ttl }).hitRate);
      const instances = planFleet((rate * DAY) / 1e6).atMean;
      const own = cacheUse({
        ...{ rate: rate / instances, posts: CATALOGUE, skew: 1, ttl },
        capacity: OWN_POSTS,
      });
      const { kept } = cacheUse({ rate, posts: CATALOGUE, skew: 1, ttl });
      return [
        ...[number(rate), number(ttl), shared(0.8), shared(1), shared(1.2)],
        `${percent(own.hitRate)} (${instances})`,
        number((kept * MEASURED.redisBytesPerPost) / 1e9, 1),
      ];
    }),
  );
  return table(
    [
      'requests/s',
      'CACHE_TTL s',
      'skew 0.8',
      '1.0',
      '1.2',
      'skew 1.0, each instance by itself (of)',
      'Redis GB at 1.0',
    ],
    rows,
  );
}

/** Mean wait for a worker, as a share of the time that a post keeps one. */
export function waitTable(): string {
  const counts = [5, 20, 40, 80];
  return table(
    ['workers', ...[0.5, 0.7, 0.8, 0.9, 0.95].map(percent)],
    counts.map((workers) => [
      String(workers),
      ...[0.5, 0.7, 0.8, 0.9, 0.95].map((use) => {
        const wait = meanWait({ workers, rate: use * workers, service: 1, spread: 1 });
        return wait < 0.001 ? '0' : wait.toFixed(wait < 0.1 ? 3 : 2);
      }),
    ]),
  );
}

/** The tables by the names that docs/SCALING.md marks them with. */
export const TABLES = {
  fleet: fleetTable,
  sensitivity: sensitivityTable,
  hits: hitRateTable,
  wait: waitTable,
};

/** The sizes that deploy/cells has, in millions of posts a day. */
export const CELLS = [10, CELL_MILLIONS] as const;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const cells = Object.fromEntries(CELLS.map((millions) => [millions, cellManifest(millions)]));
  if (!process.argv.includes('--json')) {
    for (const [name, make] of Object.entries(TABLES))
      process.stdout.write(`\n<!-- ${name} -->\n${make()}\n`);
    process.stdout.write('\nCells, by millions of posts a day:\n');
  }
  process.stdout.write(`${JSON.stringify(cells, null, 2)}\n`);
}

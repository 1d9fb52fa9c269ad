/**
 * `npx tsx scripts/scaling/fleet.ts`: what a fleet for so many posts a day needs. Prints the tables of
 * docs/SCALING.md (`--write` puts them there) and the figures of deploy/cells (`--json`: only those). Tests compare
 * both with what it prints.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ASSUMED, MEASURED } from './costs.ts';
import { cacheUse, meanWait, workersThroughput } from './model.ts';
import {
  type Assumptions,
  CELLS,
  type CellManifest,
  type Costs,
  cellManifest,
  DAY,
  type FleetPlan,
  memoryOf,
  planFleet,
  planInstance,
} from './plan.ts';

const number = (value: number, digits = 0) =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const GIB = 2 ** 30;
const percent = (share: number) => `${(share * 100).toFixed(0)} %`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

const ms = (seconds: number, digits = 2) => `${(seconds * 1000).toFixed(digits)} ms`;

/** What things cost, what follows for the one main thread, and how to measure it again. */
export function costTable(): string {
  const m = MEASURED;
  const perSecond = (seconds: number) => `${number(Math.round(1 / seconds / 100) * 100)} a second`;
  return table(
    ['', 'CPU', 'of it the main thread', 'so an instance does at most', 'measured by'],
    [
      ['a new post', ms(m.cold, 1), ms(m.coldMain), 'see below', '`npm run bench -- --only cold`'],
      [
        'a post out of the own memory',
        ...[ms(m.hit), ms(m.hit), perSecond(m.hit), '`npm run bench -- --only cache`'],
      ],
      [
        'one that another instance fetched',
        ...[ms(m.hitShared), ms(m.hitShared), perSecond(m.hitShared), '`check.ts --only shared`'],
      ],
      [
        'a GiB relayed, 20 streams at once',
        ...[`${m.relayPerGib} s`, `${m.relayMainPerGib} s`],
        `${((GIB * 8) / 1e9 / m.relayMainPerGib).toFixed(1)} Gbit/s`,
        '`check.ts --only front`',
      ],
      [
        'nginx: a GiB, an answer',
        ...[`${m.nginxPerGib} s, ${ms(m.nginxPerAnswer)}`, '-', '-', '`check.ts --only front`'],
      ],
      [
        "Redis: a new post, another instance's",
        ...[`${ms(m.redisPerCold)}, ${ms(m.redisPerHit)}`, '-', '-', '`check.ts --only shared`'],
      ],
      [
        `memory: an instance ${m.memoryBase} MB, each worker ${m.memoryPerWorker} MB`,
        ...['-', '-', '-', '`check.ts --only memory`'],
      ],
      [
        `memory: a slow reader ${m.memoryPerReader * 1000} KB`,
        ...['-', '-', '-', '`npm run bench -- --only relay`'],
      ],
      [
        `memory of Redis: a post ${(m.redisBytesPerPost / 1000).toFixed(1)} KB`,
        ...['-', '-', '-', '`check.ts --only shared`'],
      ],
    ],
  );
}

/** What an instance can do at most, by the model, when nothing else runs on its cores. */
export function instanceTable(): string {
  const cold = (workers: number, latency: number, cores: number) =>
    number(workersThroughput({ workers, latency, cpu: MEASURED.cold, cores }));
  return table(
    ['an instance at its limit', 'TikTok takes 0.3 s', '1 s', '3 s'],
    [
      ...[20, 40, 80].map((workers) => [
        `new posts/s, ${workers} workers, 2 cores (${number(memoryOf(workers))} MB)`,
        ...[0.3, 1, 3].map((latency) => cold(workers, latency, 2)),
      ]),
    ],
  );
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
  const overbooked = { ...MEASURED };
  for (const cost of ['cold', 'coldMain', 'hitShared', 'relayPerGib', 'relayMainPerGib'] as const) {
    Object.assign(overbooked, { [cost]: MEASURED[cost] * 1.7 });
  }
  const cases: [string, Partial<Assumptions>, Costs?][] = [
    ['as assumed', {}],
    ['nothing repeated', { hitRate: 0 }],
    ['80 % repeated', { hitRate: 0.8 }],
    ['TikTok takes 0.3 s', { latency: 0.3 }],
    ['TikTok takes 3 s', { latency: 3 }],
    ['3 MB a post', { mediaBytes: 3e6 }],
    ['20 MB a post', { mediaBytes: 20e6 }],
    ['CACHE_TTL an hour, hit rate the same', { ttl: 3600 }],
    ['all CPU 1.7 times as dear: an overbooked machine', {}, overbooked],
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
    cases.map(([name, change, costs = MEASURED]) => {
      const assumed = { ...ASSUMED, ...change };
      const [one, all] = [planInstance(assumed, costs), planFleet(100, assumed, costs)];
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
    [300, 3600].map((ttl) => {
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

/** The numbers of deploy/cells. */
export function cellTable(): string {
  const plans = CELLS.map((millions) => cellManifest(millions));
  const row = (name: string, show: (plan: CellManifest) => string) => [name, ...plans.map(show)];
  return table(
    ['', ...CELLS.map((millions) => `\`deploy/cells/${millions}m\``)],
    [
      row('instances, least and most', (one) => `${one.minReplicas}, ${one.maxReplicas}`),
      row('each: cores, memory (limit), MiB', (one) => `1, ${one.memoryRequest} (${one.memoryLimit})`),
      row('`MAX_WORKERS`, `MAX_QUEUE`', (one) => `${one.maxWorkers}, ${one.maxQueue}`),
      row('Redis: `maxmemory` MB, memory MiB', (one) => `${one.redisMaxMemory}, ${one.redisMemory}`),
    ],
  );
}

/** The tables by the names that docs/SCALING.md marks them with. */
export const TABLES = {
  costs: costTable,
  instance: instanceTable,
  cells: cellTable,
  fleet: fleetTable,
  sensitivity: sensitivityTable,
  hits: hitRateTable,
  wait: waitTable,
};

/** The document with its tables made anew: each stands behind its mark, up to an empty line. */
export function withTables(text: string): string {
  return Object.entries(TABLES).reduce(
    (all, [name, make]) =>
      all.replace(new RegExp(`(<!-- ${name} -->\\n)(?:\\|.*\\n)*`), (_, mark) => `${mark}${make()}\n`),
    text,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const cells = Object.fromEntries(CELLS.map((millions) => [millions, cellManifest(millions)]));
  if (process.argv.includes('--write')) {
    const file = new URL('../../docs/SCALING.md', import.meta.url);
    writeFileSync(file, withTables(readFileSync(file, 'utf8')));
  } else if (!process.argv.includes('--json')) {
    for (const [name, make] of Object.entries(TABLES))
      process.stdout.write(`\n<!-- ${name} -->\n${make()}\n`);
  }
  process.stdout.write(`${JSON.stringify(cells, null, 2)}\n`);
}

/** What two instances that share a Redis ask of it, and what a post takes there. */
import { NO_REDIS, TestRedis } from '../../test/helpers/redis.ts';
import type { Ground } from '../bench/ground.ts';
import { type BenchService, startService } from '../bench/service.ts';

const POSTS = 1000;
/** In the first of them V8 has yet to compile. */
const ROUNDS = 3;

export interface SharedRow {
  name: string;
  /** For each request, those inside scripts counted too. */
  commands: number;
  redisCpuUs: number;
  /** Of both instances, Python included. */
  serviceCpuMs: number;
  /** What Redis sends and takes, for each request. */
  sentBytes: number;
  takenBytes: number;
}

export interface SharedCosts {
  rows: SharedRow[];
  /** Of Redis's memory, for each post that is kept. */
  bytesOfPost: number;
}

/** Null where there is no redis-server. */
export async function sharedCosts(ground: Ground): Promise<SharedCosts | null> {
  if (NO_REDIS) return null;
  const redis = await TestRedis.start();
  try {
    // The limits count in Redis as well: on, but never reached.
    const env = { REDIS_URL: redis.url, MAX_WORKERS: '10', RATE_LIMIT_MAX: '1000000' };
    const one = await startService(ground.standin, { env });
    const two = await startService(ground.standin, { env });
    const order = (first: number) => ({
      concurrency: 20,
      count: POSTS,
      repeats: { share: 1, first, of: POSTS },
    });
    let rows: SharedRow[] = [];
    let bytesOfPost = 0;
    let first = 2e12;
    const run = async (name: string, service: BenchService) => {
      const before = await facts(redis);
      const { cpu, failures } = await ground.measure(service, order(first));
      const after = await facts(redis);
      if (failures > 0) throw new Error(`${name}: ${failures} failures`);
      const each = (field: string) => ((after[field] ?? 0) - (before[field] ?? 0)) / POSTS;
      if (rows.length === 0) bytesOfPost = each('used_memory_dataset');
      rows.push({
        name,
        commands: each('total_commands_processed'),
        redisCpuUs: (each('used_cpu_sys') + each('used_cpu_user')) * 1e6,
        serviceCpuMs: cpu.service,
        sentBytes: each('total_net_output_bytes'),
        takenBytes: each('total_net_input_bytes'),
      });
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      rows = [];
      first += POSTS;
      await run('a new post', one);
      await run('known to another instance', two);
      await run('known to this instance', two);
    }
    await one.stop();
    await two.stop();
    return { rows, bytesOfPost };
  } finally {
    await redis.stop();
  }
}

async function facts(redis: TestRedis): Promise<Record<string, number>> {
  const info = await redis.ask((client) => client.info('everything'));
  const fields = [...info.matchAll(/^([a-z_]+):([\d.]+)\r?$/gm)];
  return Object.fromEntries(fields.map(([, name, value]) => [name, Number(value)]));
}

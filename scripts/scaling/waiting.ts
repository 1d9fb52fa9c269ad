/** How long new posts wait for a worker when visitors come by chance, beside the model. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { Ground } from '../bench/ground.ts';
import { meanWait } from './model.ts';
import { warmService } from './throughput.ts';

/** Few workers, who wait long and cost little CPU: then it is for them that is waited, on a busy machine too. */
export const WAITING = { workers: 5, latencyMs: 300 };
const SECONDS = 50;
const SHARES = [0.5, 0.7, 0.8, 0.9];

export interface WaitPoint {
  /** Of the workers' time that is asked for. */
  use: number;
  requests: number;
  /** That a post kept its worker, on average, milliseconds; the machine may be busy with other things as well. */
  service: number;
  /** Of the workers' time that was taken. */
  busy: number;
  /** Milliseconds in the queue, by the service's own metrics. */
  measured: number;
  predicted: number;
  /** Of whole answers. */
  p99: number;
  failures: number;
}

export async function waiting(ground: Ground): Promise<WaitPoint[]> {
  const { workers, latencyMs } = WAITING;
  const service = await warmService(ground, workers);
  await ground.setLatency(latencyMs);
  const points: WaitPoint[] = [];
  let id = 7_450_000_000_000_000_000n;
  for (const use of SHARES) {
    const { p50: lone } = await ground.ask(service, { concurrency: 1, count: 15 });
    const before = await times(service.baseUrl);
    const rate = (use * workers) / (lone / 1000);
    const { latencies, failures, seconds } = await arrivals(service.baseUrl, rate, () => {
      id += 1n;
      return `https://www.tiktok.com/@bench/video/${id}`;
    });
    const after = await times(service.baseUrl);
    const posts = after.posts - before.posts;
    const taken = (after.service - before.service) / posts;
    points.push({
      ...{ use, failures, requests: latencies.length },
      service: taken * 1000,
      busy: ((posts / seconds) * taken) / workers,
      measured: ((after.queue - before.queue) / posts) * 1000,
      predicted: meanWait({ workers, rate: posts / seconds, service: taken, spread: 0 }) * 1000,
      p99: latencies[Math.ceil(latencies.length * 0.99) - 1] ?? Number.NaN,
    });
  }
  await ground.setLatency(0);
  await service.stop();
  return points;
}

/** Requests that come whether or not those before them are answered, with pauses drawn at random (seeded). */
async function arrivals(baseUrl: string, rate: number, freshUrl: () => string) {
  const dispatcher = new Agent({ connections: 1000 });
  const latencies: number[] = [];
  const under: Promise<void>[] = [];
  let failures = 0;
  let state = 4711;
  const random = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const ask = async () => {
    const began = performance.now();
    const { statusCode, body } = await request(`${baseUrl}/tiktok`, {
      ...{ method: 'POST', dispatcher },
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ url: freshUrl() }),
    });
    await body.dump();
    if (statusCode !== 200) failures += 1;
    latencies.push(performance.now() - began);
  };
  const start = performance.now();
  for (let due = 0; due < SECONDS * 1000; due += (-Math.log(random()) / rate) * 1000) {
    const pause = start + due - performance.now();
    if (pause > 0) await sleep(pause);
    under.push(ask());
  }
  const seconds = (performance.now() - start) / 1000;
  await Promise.all(under);
  await dispatcher.close();
  return { latencies: latencies.sort((a, b) => a - b), failures, seconds };
}

/** Seconds that extractions have spent in the queue and with a worker so far. */
async function times(baseUrl: string): Promise<{ posts: number; queue: number; service: number }> {
  const { body } = await request(`${baseUrl}/metrics`);
  const text = await body.text();
  const value = (name: string) => {
    const series = new RegExp(`^tiktok_${name}(?:\\{[^}]*\\})? ([\\d.e+-]+)$`, 'gm');
    return [...text.matchAll(series)].reduce((sum, [, figure]) => sum + Number(figure), 0);
  };
  return {
    posts: value('extraction_duration_seconds_count'),
    queue: value('extraction_queue_seconds_sum'),
    service: value('extraction_duration_seconds_sum'),
  };
}

/** The clients: POST /tiktok over kept connections, one request at a time on each. */
import { once } from 'node:events';
import autocannon from 'autocannon';

export interface LoadOrder {
  /** Of the service. */
  baseUrl: string;
  concurrency: number;
  count: number;
  /** Number of the first post; each request takes the next one. */
  first: number;
  /** All requests are for the first post. */
  same?: boolean;
}

export interface LoadReport {
  /** Requests without a response of status 200. */
  failures: number;
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

process.on('SIGINT', () => {}); // Ctrl-C reaches the whole group; the benchmark ends this process.
process.on('disconnect', () => process.exit());
process.on('message', (order: LoadOrder) => {
  run(order).then(
    (report) => process.send?.(report),
    (error: Error) => process.send?.({ failed: error.message }),
  );
});
process.send?.({});

async function run({ baseUrl, concurrency, count, first, same = false }: LoadOrder): Promise<LoadReport> {
  let sent = 0;
  const latencies: number[] = [];
  let failures = count;
  const began = performance.now();
  let ended = began;
  const options: autocannon.Options = {
    url: baseUrl,
    connections: concurrency,
    amount: count,
    timeout: 300,
    requests: [
      {
        method: 'POST',
        path: '/tiktok',
        headers: { 'content-type': 'application/json' },
        setupRequest: (request) => ({
          ...request,
          body: JSON.stringify({ url: postUrl(first + (same ? 0 : sent++)) }),
        }),
      },
    ],
  };
  // Without a callback the instance would be typed as a promise.
  const running = autocannon(options, () => {});
  // autocannon itself rounds times: latencies to milliseconds, the end to a second.
  running.on('response', (_client, status, _bytes, latency) => {
    latencies.push(latency);
    ended = performance.now();
    if (status === 200) failures -= 1;
  });
  await once(running, 'done');
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.ceil(latencies.length * share) - 1] ?? Number.NaN;
  return { failures, perSecond: count / ((ended - began) / 1000), p50: at(0.5), p99: at(0.99) };
}

/** At the stand-in any 19 digits that begin with 74 are a video. */
function postUrl(n: number): string {
  return `https://www.tiktok.com/@bench/video/74${String(n).padStart(17, '0')}`;
}

/** The visitors, in a process of their own: asks for posts that nobody has asked for before, and for others again. */
import { load } from './requests.ts';

export interface LoadOrder {
  /** Of the service. */
  baseUrl: string;
  concurrency: number;
  count: number;
  /** Number of the first post; the others follow. */
  first: number;
  /** Such a share of the requests, evenly spread, is for one of `of` posts, numbered from `first`, in turn. */
  repeats?: Repeats;
}

export interface Repeats {
  share: number;
  first: number;
  of: number;
}

export interface LoadReport {
  /** Answers other than 200. */
  failures: number;
  perSecond: number;
  seconds: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

process.on('SIGINT', () => {}); // Ctrl-C reaches us too; the benchmark says when
process.on('disconnect', () => process.exit());
process.on('message', (order: LoadOrder) => {
  run(order).then(
    (report) => process.send?.(report),
    (error: Error) => process.send?.({ failed: error.message }),
  );
});
process.send?.('ready');

async function run({ baseUrl, concurrency, count, first, repeats }: LoadOrder): Promise<LoadReport> {
  const { statuses, seconds, latencies } = await load({
    url: `${baseUrl}/tiktok`,
    connections: concurrency,
    body: (n) => (n < count ? JSON.stringify({ url: postUrl(postOf(n, first, repeats)) }) : null),
  });
  const at = (share: number) => latencies[Math.ceil(latencies.length * share) - 1] ?? Number.NaN;
  return {
    failures: count - (statuses[200] ?? 0),
    perSecond: count / seconds,
    seconds,
    p50: at(0.5),
    p99: at(0.99),
  };
}

function postOf(n: number, first: number, repeats?: Repeats): number {
  if (!repeats) return first + n;
  const before = Math.floor(n * repeats.share + 1e-9);
  const isRepeat = Math.floor((n + 1) * repeats.share + 1e-9) > before;
  return isRepeat ? repeats.first + (before % repeats.of) : first + n - before;
}

/** Any 19 digits that begin with 74 are a video at the stand-in. */
function postUrl(n: number): string {
  return `https://www.tiktok.com/@bench/video/74${String(n).padStart(17, '0')}`;
}

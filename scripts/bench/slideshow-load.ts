/**
 * What ten different slideshows at once do to everybody else: `npx tsx scripts/bench/slideshow-load.ts` (build first).
 * Prints the p95 of POST /tiktok, each for a post nobody asked for before, without and with ten renders under way.
 */
import { photoPost, startStandin } from '../../test/helpers/standin/index.ts';
import { startService } from './service.ts';

const RENDERS = 10;
const PAUSE_MS = 50;
const IDLE_SAMPLES = 100;

const standin = await startStandin();
const service = await startService(standin, {});
let id = 7_420_000_000_000_000_000n + BigInt(Date.now());

interface Answer {
  download_slideshow_link?: string;
}

async function post(url: string): Promise<Answer> {
  const response = await fetch(`${service.baseUrl}/tiktok`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url }),
  });
  if (response.status !== 200) throw new Error(`POST /tiktok answered ${response.status}`);
  return (await response.json()) as Answer;
}

/** Posts one after the other until told to stop; the milliseconds of each. */
async function sample(enough: (taken: number) => boolean): Promise<number[]> {
  const times: number[] = [];
  while (!enough(times.length)) {
    id += 1n;
    const began = performance.now();
    await post(`https://www.tiktok.com/@load/video/${id}`);
    times.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return times.sort((a, b) => a - b);
}

const p95 = (sorted: number[]): number => sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN;

try {
  await sample((taken) => taken >= 20);
  const idle = await sample((taken) => taken >= IDLE_SAMPLES);
  const links = await Promise.all(
    Array.from({ length: RENDERS }, async () => {
      const { download_slideshow_link: link } = await post(standin.posts.add(photoPost({ photos: 6 })).url);
      return link ?? '';
    }),
  );
  const began = performance.now();
  let rendering = true;
  const films = Promise.all(
    links.map(async (link) => {
      const response = await fetch(link);
      const bytes = (await response.arrayBuffer()).byteLength;
      return response.status === 200 ? bytes : 0;
    }),
  ).finally(() => {
    rendering = false;
  });
  const busy = await sample(() => !rendering);
  const served = (await films).filter((bytes) => bytes > 0).length;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stdout.write(
    `${served} of ${RENDERS} films of 6 photos served in ${seconds} s\n` +
      `POST /tiktok, p95: ${p95(idle).toFixed(1)} ms idle (${idle.length}), ` +
      `${p95(busy).toFixed(1)} ms meanwhile (${busy.length}): ${(p95(busy) / p95(idle)).toFixed(1)} times\n`,
  );
} finally {
  await service.stop();
  await standin.close();
}

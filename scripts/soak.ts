/**
 * Memory over a long run: `npx tsx scripts/soak.ts [extractions=50000] [seconds=unlimited] [workers=20]`, after `npm run build`.
 * Extracts different posts, prints the memory of Node and of the Python tree, and how it rises over the last half. Exits 1
 * where an extraction failed.
 */
import { fileURLToPath } from 'node:url';
import { pythonTree } from '../test/helpers/processes.ts';
import { sendRequest } from '../test/helpers/request.ts';
import { startService } from '../test/helpers/service.ts';
import { startStandin } from '../test/helpers/standin/index.ts';
import { pssOf, rssOf } from '../test/helpers/watch.ts';

const [, , count = '50000', seconds = 'Infinity', workers = '20'] = process.argv;
const TOTAL = Number(count);
const SAMPLES = 40;

interface Sample {
  done: number;
  nodeRss: number;
  nodePss: number;
  pythonPss: number;
  children: number;
}

/** MiB by which a figure rises for each 1,000 extractions, by least squares. */
function slope(samples: readonly Sample[], figure: (sample: Sample) => number): number {
  const meanX = samples.reduce((sum, { done }) => sum + done, 0) / samples.length;
  const meanY = samples.reduce((sum, one) => sum + figure(one), 0) / samples.length;
  const above = samples.reduce((sum, one) => sum + (one.done - meanX) * (figure(one) - meanY), 0);
  const below = samples.reduce((sum, { done }) => sum + (done - meanX) ** 2, 0);
  return (above / below) * 1000;
}

const SERVE = fileURLToPath(new URL('./serve.sh', import.meta.url));

const standin = await startStandin({ pageBytes: 20_000, journalLimit: 1000 });
const service = await startService(standin, { MAX_WORKERS: workers }, SERVE);
const samples: Sample[] = [];
const failures: Record<string, number> = {};
const began = Date.now();
const ends = began + Number(seconds) * 1000;
let begun = 0;
let done = 0;

function sample(): void {
  const { host, children } = pythonTree(service.pid);
  const tree = host === null ? children : [host, ...children];
  const one = {
    done,
    nodeRss: rssOf(service.pid),
    nodePss: pssOf(service.pid),
    pythonPss: tree.reduce((sum, pid) => sum + pssOf(pid), 0),
    children: children.length,
  };
  samples.push(one);
  const minutes = ((Date.now() - began) / 60_000).toFixed(1);
  const mib = (value: number) => String(Math.round(value)).padStart(4);
  process.stdout.write(
    `${minutes.padStart(5)} min ${String(done).padStart(6)} posts  Node RSS ${mib(one.nodeRss)} PSS ${mib(one.nodePss)}` +
      `  Python PSS ${mib(one.pythonPss)} MiB in ${children.length + 1} processes\n`,
  );
}

async function client(): Promise<void> {
  while (begun < TOTAL && Date.now() < ends) {
    const id = 7_440_000_000_000_000_000n + BigInt(begun);
    begun += 1;
    const answer = await sendRequest(`${service.baseUrl}/tiktok`, {
      json: { url: `https://www.tiktok.com/@soak/video/${id}` },
    });
    done += 1;
    if (answer.status !== 200) {
      const { code = `status ${answer.status}` } = JSON.parse(answer.body.toString() || '{}') as {
        code?: string;
      };
      failures[code] = (failures[code] ?? 0) + 1;
    }
  }
}

const every = Number.isFinite(Number(seconds)) ? (Number(seconds) * 1000) / SAMPLES : 15_000;
const sampling = setInterval(sample, every);
await Promise.all(Array.from({ length: Number(workers) * 2 }, client));
clearInterval(sampling);
sample();
const lastHalf = samples.filter((one) => one.done >= done / 2);
const perSecond = done / ((Date.now() - began) / 1000);
const rise = (figure: (sample: Sample) => number) => slope(lastHalf, figure).toFixed(2);
process.stdout.write(
  `${done} posts, ${perSecond.toFixed(0)} a second, failures: ${JSON.stringify(failures)}\n` +
    `rise over the last half, MiB for each 1,000 posts: Node RSS ${rise((one) => one.nodeRss)}, ` +
    `PSS ${rise((one) => one.nodePss)}; Python PSS ${rise((one) => one.pythonPss)}\n`,
);
await service.stop();
await standin.close();
process.exit(Object.keys(failures).length > 0 ? 1 : 0);

/**
 * Random faults under load: `npx tsx scripts/chaos.ts [seconds=300] [seed]`, after `npm run build`. Exits 1 where a response was
 * wrong.
 */
import { runChaos } from '../test/helpers/chaos.ts';

const [, , seconds = '300', seed = String(Math.floor(Math.random() * 1e6))] = process.argv;
process.stdout.write(`chaos for ${seconds} s, seed ${seed}\n`);
const began = Date.now();
const report = await runChaos({
  seed: Number(seed),
  seconds: Number(seconds),
  say: (line) =>
    process.stdout.write(`${String(Math.round((Date.now() - began) / 1000)).padStart(5)} s  ${line}\n`),
});
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
process.exit(report.wrong.length + report.wrongInPeace.length > 0 ? 1 : 0);

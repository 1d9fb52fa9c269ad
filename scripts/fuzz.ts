/**
 * Random hostile inputs: `npx tsx scripts/fuzz.ts [cases of each=50000] [seed]`. Exits 1 at the first that gets through, and prints
 * it with its seed.
 */
import { PROPERTIES } from '../test/helpers/properties/index.ts';

const [, , cases = '50000', seed = String(Math.floor(Math.random() * 2 ** 31))] = process.argv;
process.stdout.write(`seed ${seed}\n`);
let total = 0;
for (const { name, share, check } of PROPERTIES) {
  const began = Date.now();
  const runs = Math.round(Number(cases) * share);
  await check(runs, Number(seed));
  total += runs;
  process.stdout.write(
    `${String(runs).padStart(8)} cases in ${((Date.now() - began) / 1000).toFixed(1)} s: ${name}\n`,
  );
}
process.stdout.write(`${total} cases, none got through\n`);

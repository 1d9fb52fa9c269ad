import { describe, it } from 'vitest';
import { PROPERTIES } from '../helpers/properties/index.ts';

/** Cases of each; scripts/fuzz.ts runs hundreds of thousands. FUZZ_SEED repeats a run. */
const CASES = 2000;

describe('whatever strangers send', () => {
  const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

  it.for(PROPERTIES.map((property) => [property.name, property] as const))(
    '%s',
    async ([, { share, check }]) => {
      await check(Math.max(100, Math.round(CASES * share)), seed);
    },
  );
});

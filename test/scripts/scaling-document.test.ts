/** docs/SCALING.md says what the model says: its tables are those that scripts/scaling/fleet.ts prints. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ASSUMED, MEASURED } from '../../scripts/scaling/costs.ts';
import { TABLES, withTables } from '../../scripts/scaling/fleet.ts';
import { CELLS, planFleet, planInstance } from '../../scripts/scaling/plan.ts';

const text = readFileSync(new URL('../../docs/SCALING.md', import.meta.url), 'utf8');

describe('docs/SCALING.md', () => {
  it.each(Object.entries(TABLES))('has the table "%s" as fleet.ts prints it', (name, make) => {
    expect(text.split(`<!-- ${name} -->\n`)[1]?.startsWith(`${make()}\n`)).toBe(true);
  });

  it('changes nothing when they are put there again', () => {
    expect(withTables(text)).toBe(text);
    expect(withTables('<!-- wait -->\n| old |\n\nmore')).toBe(`<!-- wait -->\n${TABLES.wait()}\n\nmore`);
  });

  it('is one page', () => {
    expect(text.split('\n').length).toBeLessThanOrEqual(240);
  });
});

describe('the plan', () => {
  it('grows with the posts, and with nothing else', () => {
    const [ten, hundred, thousand] = [10, 100, 1000].map((millions) => planFleet(millions));
    expect(hundred?.cores).toBeCloseTo((ten?.cores ?? 0) * 10);
    expect(thousand?.gbits).toBeCloseTo((ten?.gbits ?? 0) * 100);
    expect(thousand?.cells).toBe((hundred?.cells ?? 0) * 10);
    for (const millions of CELLS) expect(planFleet(millions).cells).toBe(1);
  });

  it('has workers to spare, and a main thread that is not full', () => {
    const { rate, workers, main } = planInstance();
    expect(main).toBeLessThan(ASSUMED.podCores);
    const busy = (rate * (1 - ASSUMED.hitRate) * (ASSUMED.latency + MEASURED.overhead)) / workers;
    expect(busy).toBeLessThanOrEqual(ASSUMED.workersUse);
  });
});

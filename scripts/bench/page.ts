/**
 * How soon the web page is there, to be read and to be used: `npx tsx scripts/bench/page.ts` (build first; needs a
 * Chromium). Every visit is a new newContext's: nothing kept, nothing connected.
 */
import { loadavg } from 'node:os';
import { startService } from '../../test/helpers/service.ts';
import { launch, newContext } from '../../test/web/browser.ts';
import { printTable, round, spread } from './table.ts';

const VISITS = 20;

/** Milliseconds from the click on a link to the page. */
const TIMES = `(async () => {
  const largest = await new Promise((done) => new PerformanceObserver((list) => done(list.getEntries().at(-1)))
    .observe({ type: 'largest-contentful-paint', buffered: true }));
  return {
    read: performance.getEntriesByName('first-contentful-paint')[0].startTime,
    whole: largest.startTime,
    used: performance.getEntriesByName('ready')[0].startTime,
  };
})()`;

type Times = Record<'read' | 'whole' | 'used', number>;

const service = await startService(null);
const browser = await launch();
const load = loadavg()[0]?.toFixed(1);
const all: Times[] = [];
for (let visit = 0; visit < VISITS; visit += 1) {
  const context = await newContext(browser);
  const page = await context.newPage();
  await page.goto(service.baseUrl);
  await page.locator('html[data-ready]').waitFor();
  all.push(await page.evaluate<Times>(TIMES));
  await context.close();
}
await browser.close();
await service.stop();
const row = (name: string, key: keyof Times) => {
  const { min, median, max } = spread(all.map((times) => times[key]));
  return [name, ...[min, median, max].map((value) => round(Math.round(value)))];
};
printTable(
  `The page, ${VISITS} first visits in headless Chromium, milliseconds (load average before: ${load})`,
  ['', 'least', 'median', 'most'],
  [
    row('first words to be read (FCP)', 'read'),
    row('largest part painted (LCP)', 'whole'),
    row('ready to be used', 'used'),
  ],
);

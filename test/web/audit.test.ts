import type { CDPSession, Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { photoPost, scenario, videoPost } from '../helpers/standin/index.ts';
import { CHROMIUM, SIZES } from './browser.ts';
import { get, it, PATIENCE, unfold, type Visit } from './site.ts';

/** Runs before the page's own scripts: what the browser reports about it, and what it paints. */
const WATCH = `
  window.seen = { reports: [], shift: 0, largest: null };
  new ReportingObserver((list) => window.seen.reports.push(...list.map(({ type, body }) => type + ' ' + (body?.id ?? ''))), { buffered: true }).observe();
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.seen.shift += entry.value; })
    .observe({ type: 'layout-shift', buffered: true });
  new PerformanceObserver((list) => { window.seen.largest = list.getEntries().at(-1).element?.localName; })
    .observe({ type: 'largest-contentful-paint', buffered: true });
`;

/** What Lighthouse asks beside axe (looks.test.ts) and the weight (delivery.test.ts), without its clocks. */
describe.skipIf(!CHROMIUM).each(SIZES)('an audit of the page, on %s', { concurrent: true }, (_name, size) => {
  /** A visit whose every state is seen by the browser's own audits. */
  async function audited(visit: Visit): Promise<{ page: Page; cdp: CDPSession; found: string[] }> {
    const page = await visit('/', size);
    const found: string[] = [];
    const cdp = await page.context().newCDPSession(page);
    cdp.on('Audits.issueAdded', ({ issue }) =>
      found.push(`issue: ${issue.code} ${JSON.stringify(issue.details)}`),
    );
    await cdp.send('Audits.enable');
    page.on('console', (message) => {
      if (!message.text().startsWith('Failed to load resource')) found.push(`console: ${message.text()}`);
    });
    await page.addInitScript(WATCH);
    await page.reload();
    await page.locator('html[data-ready]').waitFor();
    return { page, cdp, found };
  }

  it('has no issue that the browser itself reports, in any state', async ({ site, visit }) => {
    const { page, found } = await audited(visit);
    await get(page, scenario('status 10222').url);
    await get(page, site.add(videoPost()).url);
    await unfold(page);
    await get(page, site.add(photoPost({ photos: 35 })).url);
    await page.getByRole('button', { name: 'Show all' }).click();
    expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThan(600);
    await get(page, site.add(photoPost({ photos: 2 })).url);
    await page.getByRole('button', { name: 'Make slideshow' }).click();
    await page.getByRole('link', { name: 'Save slideshow' }).waitFor();
    await page.locator('.tile').first().click();
    expect(found).toEqual([]);
    expect(await page.evaluate('window.seen.reports')).toEqual([]);
  });

  it('reports a request to another host', async ({ visit, complaints, expect }) => {
    const { page, found } = await audited(visit);
    await page.evaluate(`fetch('https://elsewhere.example/').catch(() => undefined)`);
    await expect.poll(() => found.some((one) => one.startsWith('issue: ')), PATIENCE).toBe(true);
    expect(complaints.splice(0)).not.toEqual([]);
  });

  it('keeps its layout while it opens, and paints its words first', async ({ visit }) => {
    const { page } = await audited(visit);
    await page.waitForLoadState('networkidle');
    expect(await page.evaluate('window.seen.shift')).toBeLessThan(0.01);
    expect(['h1', 'p']).toContain(await page.evaluate('window.seen.largest'));
  });

  it('can be installed', async ({ visit }) => {
    const { page, cdp } = await audited(visit);
    await page.evaluate('navigator.serviceWorker.ready');
    const { errors } = await cdp.send('Page.getAppManifest');
    expect(errors).toEqual([]);
    const { installabilityErrors } = await cdp.send('Page.getInstallabilityErrors');
    // Each visitor of these tests is a private window.
    expect(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito')).toEqual(
      [],
    );
  });

  it('has a title, a description and one heading for search engines', async ({ visit }) => {
    const { page } = await audited(visit);
    const facts = await page.evaluate<Record<string, unknown>>(`({
      doctype: document.doctype.name,
      charset: document.characterSet,
      lang: document.documentElement.lang,
      title: document.title.length > 0,
      description: document.querySelector('meta[name=description]').content.length > 50,
      h1: document.querySelectorAll('h1').length,
      zoom: /user-scalable|maximum-scale/.test(document.querySelector('meta[name=viewport]').content),
      robots: document.querySelectorAll('meta[name=robots]').length,
      links: [...document.links].filter(({ href, textContent }) => !/^https?:/.test(href) || !textContent.trim()).length,
      blocking: [...document.querySelectorAll('script:not([type=module]):not([async])')].length,
    })`);
    expect(facts).toEqual({
      ...{ doctype: 'html', charset: 'UTF-8', lang: 'en', title: true, description: true, h1: 1 },
      ...{ zoom: false, robots: 0, links: 0, blocking: 0 },
    });
  });

  it('keeps the shape of pictures and reserves their room, and has no text smaller than 12 pixels', async ({
    site,
    visit,
  }) => {
    const { page } = await audited(visit);
    await get(page, site.add(photoPost({ photos: 6 })).url);
    await page.waitForLoadState('networkidle');
    const wrong = await page.evaluate<string[]>(`[
      ...[...document.images].filter((one) => !one.hasAttribute('width') || !one.hasAttribute('height') || !one.hasAttribute('alt')),
      ...[...document.images].filter((one) => getComputedStyle(one).objectFit === 'fill' && one.complete &&
        Math.abs(one.width / one.height - one.naturalWidth / one.naturalHeight) > 0.05 * one.width / one.height),
      ...[...document.querySelectorAll('body *')].filter((one) => parseFloat(getComputedStyle(one).fontSize) < 12),
    ].map((one) => one.outerHTML.slice(0, 120))`);
    expect(wrong).toEqual([]);
  });
});

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, BrowserContextOptions, Download, Locator, Page } from 'playwright-core';
import { type Service, startService } from '../helpers/service.ts';
import { type Standin, startStandin } from '../helpers/standin/index.ts';
import { launch, visitor } from './browser.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** For what comes in its own time; a machine that is busy with other tests needs more of it. */
export const PATIENCE = { timeout: 20_000 };

/** The page as visitors get it: the built service, the stand-in behind it, a real browser before it. */
export interface Site {
  standin: Standin;
  service: Service;
  browser: Browser;
  /** A new visitor at `path`; what is wrong with any page of his goes into `complaints`. */
  visit(path?: string, options?: BrowserContextOptions): Promise<Page>;
  /** Errors in scripts, breaches of the policy, requests to anybody else. Emptied by who reads them. */
  complaints(): string[];
  /** Ends all visits so far. */
  leave(): Promise<void>;
  close(): Promise<void>;
}

/** @param size what all visitors have, unless told otherwise */
export async function openSite(
  env: Readonly<Record<string, string>> = {},
  size: BrowserContextOptions = {},
): Promise<Site> {
  const standin = await startStandin();
  const service = await startService(standin, { MAX_WORKERS: '2', YTDLP_TIMEOUT: '3', ...env });
  const browser = await launch();
  let complaints: string[] = [];
  const leave = async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
  };
  return {
    standin,
    service,
    browser,
    leave,
    async visit(path = '/', options = {}) {
      const context = await visitor(browser, { ...size, ...options });
      const page = await context.newPage();
      page.on('pageerror', (error) => complaints.push(`script: ${error.message}`));
      page.on('console', (message) => {
        // The browser's own lines about answers that are errors: the tests ask for those.
        const failed = message.text().startsWith('Failed to load resource');
        if (message.type() === 'error' && !failed) complaints.push(`console: ${message.text()}`);
      });
      page.on('request', (request) => {
        const url = request.url();
        if (!url.startsWith(`${service.baseUrl}/`) && !url.startsWith('data:'))
          complaints.push(`asked ${url}`);
      });
      await page.goto(`${service.baseUrl}${path}`);
      await page.locator('html[data-ready]').waitFor();
      return page;
    },
    complaints() {
      const all = complaints;
      complaints = [];
      return all;
    },
    async close() {
      await browser.close();
      await service.stop();
      await standin.close();
    },
  };
}

/** Pastes a link and presses the button; comes back with the post's card or the error's. */
export async function get(page: Page, link: string): Promise<Locator> {
  await page.locator('#link').fill(link);
  await page.locator('#go').click();
  return outcome(page);
}

export async function outcome(page: Page): Promise<Locator> {
  const post = page.locator('article.result');
  await post.or(page.locator('.problem')).first().waitFor();
  return (await post.count()) > 0 ? post : page.locator('.problem');
}

/** Presses what saves a file, and takes the file. */
export async function saved(page: Page, button: Locator): Promise<{ name: string; bytes: Buffer }> {
  const coming = page.waitForEvent('download');
  await button.click();
  const download: Download = await coming;
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What axe has against the page as it is now: rule and element. */
export async function axe(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate<string[]>(
    `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ': ' + target)))`,
  );
}

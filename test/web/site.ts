import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, BrowserContextOptions, Download, Locator, Page } from 'playwright-core';
import { test as base, expect, vi } from 'vitest';
import { type Service, startService } from '../helpers/service.ts';
import { type Standin, type StandinPost, startStandin } from '../helpers/standin/index.ts';
import { CHROMIUM, launch, newContext, WITHOUT_CHROMIUM } from './browser.ts';

if (!CHROMIUM) process.stdout.write(`test/web: ${WITHOUT_CHROMIUM}\n`);

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** For `expect.poll`: tests run side by side, and the machine may be busy. */
export const PATIENCE = { timeout: 20_000 };

/** The built service, the stand-in behind it and a browser before it; shared by all tests of the worker. */
export interface Site {
  standin: Standin;
  service: Service;
  browser: Browser;
  /** Registers a post with the stand-in. */
  add(post: StandinPost): StandinPost;
}

/** Opens `path` of the page in a context of its own. */
export type Visit = (path?: string, options?: BrowserContextOptions) => Promise<Page>;

/**
 * Tests that get `site`, and `visit` for pages of their own. A test fails if one of its pages has an error in a script,
 * breaks the content security policy or sends a request to anything but the service; `complaints` holds these.
 */
export const it = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the parameters of a fixture from this pattern.
  .extend('site', { scope: 'worker' }, async ({}, { onCleanup }): Promise<Site> => {
    const standin = await startStandin();
    const service = await startService(standin, { MAX_WORKERS: '2', YTDLP_TIMEOUT: '3' });
    const browser = await launch();
    onCleanup(async () => {
      await browser.close();
      await service.stop();
      await standin.close();
    });
    return { standin, service, browser, add: (post) => standin.posts.add(post) };
  })
  .extend('complaints', (): string[] => [])
  .extend('visit', async ({ site, complaints }, { onCleanup }): Promise<Visit> => {
    const { visit, leave } = visitor(site.browser, site.service, complaints);
    onCleanup(async () => {
      await leave();
      expect(complaints).toEqual([]);
    });
    return visit;
  });

/** Opens pages of a service; what is wrong with any of them goes into `complaints`. */
export function visitor(browser: Browser, { baseUrl }: Service, complaints: string[]) {
  const contexts = new Set<Awaited<ReturnType<typeof newContext>>>();
  const visit: Visit = async (path = '/', options = {}) => {
    const context = await newContext(browser, options);
    contexts.add(context);
    context.setDefaultTimeout(PATIENCE.timeout);
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(`script: ${error.message}`));
    page.on('console', (message) => {
      // The browser's own lines about responses that are errors: the tests ask for those.
      const failed = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !failed) complaints.push(`console: ${message.text()}`);
    });
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(`${baseUrl}/`) && !/^(data|blob):/.test(url)) complaints.push(`requested ${url}`);
    });
    await page.goto(`${baseUrl}${path}`);
    await page.locator('html[data-ready]').waitFor();
    return page;
  };
  const leave = async () => {
    await Promise.all([...contexts].map((context) => context.close()));
  };
  return { visit, leave };
}

/** Fills in links and presses the button. @returns the card of the post, of the list, or of the error */
export async function get(page: Page, link: string): Promise<Locator> {
  await page.locator('#link').fill(link);
  await page.locator('#go').click();
  return outcome(page);
}

export async function outcome(page: Page): Promise<Locator> {
  const post = page.locator('article');
  await post.or(page.locator('.problem')).first().waitFor();
  return (await post.count()) > 0 ? post : page.locator('.problem');
}

/** Presses what saves a file. @returns the file */
export async function saved(page: Page, button: Locator): Promise<{ name: string; bytes: Buffer }> {
  const coming = page.waitForEvent('download');
  await button.click();
  const download: Download = await coming;
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

/** What the page saves from now on, in the order of its beginning. */
export function downloads(page: Page): Download[] {
  const list: Download[] = [];
  page.on('download', (download) => list.push(download));
  return list;
}

type ShareSheet = 'takes' | 'aborts' | 'wants another tap' | 'refuses';

/** Plays the share sheet of a phone: what it was given is in window.shared, as name, type and bytes. */
export async function playShareSheet(page: Page, behaviour: ShareSheet): Promise<void> {
  await page.evaluate(`{
    window.shared = [];
    let calls = 0;
    navigator.canShare = ({ files }) => files.every((file) => file instanceof File && file.size > 0);
    navigator.share = async ({ files }) => {
      calls += 1;
      const behaviour = ${JSON.stringify(behaviour)};
      if (behaviour === 'aborts' && calls === 1) throw new DOMException('Share canceled', 'AbortError');
      if (behaviour === 'refuses' || (behaviour === 'wants another tap' && calls === 1)) throw new DOMException('Must be handling a user gesture', 'NotAllowedError');
      const text = async (file) => btoa(Array.from(new Uint8Array(await file.arrayBuffer()), (byte) => String.fromCharCode(byte)).join(''));
      window.shared = await Promise.all(files.map(async (file) => [file.name, file.type, await text(file)]));
    };
  }`);
}

/** What the share sheet was given. */
export async function shared(page: Page): Promise<{ name: string; type: string; sha256: string }[]> {
  const list = await vi.waitFor(async () => {
    const files = await page.evaluate<[string, string, string][]>('window.shared');
    expect(files.length).toBeGreaterThan(0);
    return files;
  }, PATIENCE);
  return list.map(([name, type, text]) => ({
    name,
    type,
    sha256: sha256(Buffer.from(text, 'base64')),
  }));
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Opens whatever is folded. */
export function unfold(page: Page): Promise<void> {
  return page.evaluate(`document.querySelectorAll('summary').forEach((summary) => summary.click())`);
}

/** The violations that axe finds on the page as it is now: rule and element. */
export async function axe(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate<string[]>(
    `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ': ' + target)))`,
  );
}

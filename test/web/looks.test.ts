import type { BrowserContextOptions, Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import en from '../../src/web/lang/en.ts';
import { photoPost, scenario, TYPICAL_RENDITIONS, videoPost } from '../helpers/standin/index.ts';
import { CHROMIUM, DESKTOP, PHONE, SMALL_PHONE } from './browser.ts';
import { axe, get, it, PATIENCE, type Site, unfold } from './site.ts';

/**
 * Whether it fits, can be read, can be reached, and needs little to come quickly (how quickly, scripts/bench/page.ts
 * measures: a clock says more about a busy machine than about the page).
 */
describe.skipIf(!CHROMIUM)('the page', { concurrent: true }, () => {
  /** Goes through the states that a visitor can see, and collects what is wrong with any. */
  async function wander(site: Site, page: Page, look: (page: Page) => Promise<string[]>): Promise<string[]> {
    const found = await look(page);
    await get(page, scenario('status 10222').url);
    found.push(...(await look(page)));
    const stats = {
      play: 1.2e12,
      digg: 999_999_999,
      comment: 88_888_888,
      share: 77_777_777,
      collect: 66_666_666,
    };
    const nickname = 'Nicknamewithoutanyspace'.repeat(3);
    await get(
      page,
      site.add(videoPost({ desc: 'word '.repeat(200), nickname, user: 'u'.repeat(24), stats })).url,
    );
    await unfold(page);
    found.push(...(await look(page)));
    await get(page, site.add(photoPost({ photos: 12 })).url);
    await page.locator('.tile').first().waitFor();
    await unfold(page);
    found.push(...(await look(page)));
    await get(page, [videoPost(), photoPost()].map((post) => site.add(post).url).join(' '));
    await page.locator('.list .saves button').waitFor();
    found.push(...(await look(page)));
    await get(page, site.add(photoPost()).url);
    await page.locator('.tile').first().click();
    return found.concat(await look(page));
  }

  async function flaws(page: Page): Promise<string[]> {
    return [...(await axe(page)), ...(await tooSmall(page)), ...(await tooWide(page))];
  }

  /** Whatever can be pressed has 44 pixels both ways, save for links inside of text. */
  function tooSmall(page: Page): Promise<string[]> {
    return page.evaluate<string[]>(`
      [...document.querySelectorAll('a, button, select, summary, input')]
        .filter((element) => element.checkVisibility())
        .map((element) => [element, element.getBoundingClientRect()])
        .filter(([, box]) => box.width > 0 && (box.width < 44 || box.height < 44))
        .map(([element, box]) => 'small: ' + element.outerHTML.slice(0, 80) + box.width + 'x' + box.height)`);
  }

  function tooWide(page: Page): Promise<string[]> {
    return page.evaluate<string[]>(`
      document.documentElement.scrollWidth > innerWidth ? ['wide: ' + document.documentElement.scrollWidth] : []`);
  }

  const LOOKS: [string, BrowserContextOptions][] = [
    ['on a desktop', DESKTOP],
    ['on a phone', PHONE],
    ['from right to left, on a desktop in the dark', { ...DESKTOP, locale: 'ar-EG', colorScheme: 'dark' }],
  ];

  it.for(LOOKS)(
    'passes axe, with targets of 44 pixels and no overflow, %s',
    async ([, options], { site, visit }) => {
      expect(await wander(site, await visit('/', options), flaws)).toEqual([]);
    },
  );

  it('fits a small phone, in a language of long words', async ({ site, visit }) => {
    const page = await visit('/', { ...SMALL_PHONE, locale: 'es' });
    expect(
      await wander(site, page, async () => [...(await tooSmall(page)), ...(await tooWide(page))]),
    ).toEqual([]);
  });

  it('speaks the language of the browser, or the selected one', async ({ visit }) => {
    const page = await visit('/', { locale: 'pt-BR' });
    expect(await page.locator('h1').textContent()).toBe('Salve uma publicação do TikTok');
    await get(page, scenario('status 10222').url);
    await page.getByRole('heading', { name: 'Esta publicação é privada' }).waitFor();
    await page.locator('#language').selectOption('ar');
    await page.getByRole('heading', { name: 'هذا المنشور خاص' }).waitFor();
    expect(await page.locator('html').getAttribute('dir')).toBe('rtl');
    await page.reload();
    await page.locator('html[lang=ar]').waitFor();
    expect(await page.title()).toBe('منزّل تيك توك');
    const brand = await page.locator('.brand').boundingBox();
    expect(brand?.x).toBeGreaterThan(640);
    const unknown = await visit('/', { locale: 'fi-FI' });
    expect(await unknown.locator('h1').textContent()).toBe(en.heading);
  });

  it('speaks English where the language cannot be loaded', async ({ site }) => {
    const context = await site.browser.newContext({ locale: 'ar-EG', serviceWorkers: 'block' });
    const page = await context.newPage();
    await context.route('**/ar.js', (route) => route.abort());
    await page.goto(site.service.baseUrl);
    await page.locator('html[data-ready][lang=en][dir=ltr]').waitFor();
    expect(await page.locator('.intro').textContent()).toBe(en.intro);
    expect(await page.locator('#language').inputValue()).toBe('en');
  });

  it('can be used with the keyboard alone', async ({ site, visit, expect }) => {
    const post = site.add(videoPost({ renditions: TYPICAL_RENDITIONS }));
    const page = await visit();
    const focused = () =>
      page.evaluate<string>(`document.activeElement.textContent || document.activeElement.id`);
    const order: string[] = [];
    for (let at = 0; at < 3; at += 1) {
      order.push(await focused());
      await page.keyboard.press('Shift+Tab');
    }
    // With a mouse and a keyboard the field has the focus from the start.
    expect(order).toEqual(['link', expect.stringContaining('English'), 'TikTok Downloader']);
    await page.locator('#link').focus();
    await page.keyboard.type(post.url);
    await page.keyboard.press('Enter');
    await page.locator('article.result').waitFor();
    await expect.poll(focused, PATIENCE).toContain('Nick');
    const ring = () => page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
    const reached: string[] = [];
    for (let at = 0; at < 12 && !reached.at(-1)?.startsWith('Video, HD'); at += 1) {
      await page.keyboard.press('Tab');
      reached.push(await focused());
    }
    expect(reached.at(-1)).toContain('Video, HD');
    expect(await ring()).toBe('solid');
    const coming = page.waitForEvent('download');
    await page.keyboard.press('Enter');
    expect((await coming).suggestedFilename()).toMatch(/\.mp4$/);
  });

  it('opens offline, says so, and goes on when the connection is back', async ({ site, visit }) => {
    const post = site.add(videoPost());
    const page = await visit();
    await page.evaluate('navigator.serviceWorker.ready');
    await page.reload();
    await page.locator('#language').selectOption('id');
    await page.getByRole('heading', { name: 'Simpan postingan TikTok' }).waitFor();
    await page.context().setOffline(true);
    await page.reload();
    await page.getByRole('heading', { name: 'Simpan postingan TikTok' }).waitFor();
    await page.locator('#language').selectOption('en');
    expect(await page.locator('h1').textContent()).toBe(en.heading);
    await get(page, post.url);
    await page.getByRole('heading', { name: en.errors.offline[0] }).waitFor();
    await page.context().setOffline(false);
    await page.locator('article.result').waitFor();
  });

  /** What a browser asks for beside the page itself until it can be used, in the order of asking. */
  const NEEDED: Record<string, string[]> = {
    en: ['style.css', 'main.js'],
    ar: ['style.css', 'main.js', 'ar.js'],
  };
  const nameOf = (url: string) => new URL(url).pathname.split('/').at(-1) ?? '';

  it.for(Object.entries(NEEDED))(
    'loads its files in parallel, in %s',
    async ([locale, needed], { site, expect }) => {
      const context = await site.browser.newContext({ locale, serviceWorkers: 'block' });
      const page = await context.newPage();
      const asked: string[] = [];
      let release = () => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      await context.route(`${site.service.baseUrl}/web/**`, async (route) => {
        asked.push(nameOf(route.request().url()));
        await released;
        await route.continue();
      });
      await page.goto(site.service.baseUrl, { waitUntil: 'commit' });
      // Both are found in the page itself, for neither has been answered yet.
      await expect.poll(() => asked, PATIENCE).toEqual(['style.css', 'main.js']);
      release();
      await page.locator('html[data-ready]').waitFor();
      expect(asked.filter((name) => name !== 'icon.svg')).toEqual(needed);
    },
  );

  it('keeps its layout while a post appears', async ({ site, visit }) => {
    const page = await visit('/', PHONE);
    await page.evaluate(`
      window.shift = 0;
      new PerformanceObserver((list) => {
        for (const { value } of list.getEntries()) window.shift += value;
      }).observe({ type: 'layout-shift', buffered: true });
    `);
    await get(page, site.add(videoPost()).url);
    await page.waitForLoadState('networkidle');
    expect(await page.evaluate<number>('window.shift')).toBeLessThan(0.1);
  });
});

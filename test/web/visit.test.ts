import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import en from '../../src/web/lang/en.ts';
import es from '../../src/web/lang/es.ts';
import { photoPost, scenario, videoPost } from '../helpers/standin/index.ts';
import { CHROMIUM, SIZES, WITHOUT_CHROMIUM } from './browser.ts';
import { get, openSite, outcome, PATIENCE, type Site } from './site.ts';

if (!CHROMIUM) process.stdout.write(`test/web/visit: ${WITHOUT_CHROMIUM}\n`);

/** What visitors do besides: impatience, second thoughts, the way back, a bad connection. */
describe.skipIf(!CHROMIUM).each(SIZES)('a visitor of the page, on %s', (_name, size) => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite({}, size);
  });
  afterEach(async () => {
    await site.leave();
    expect(site.complaints()).toEqual([]);
  });
  afterAll(() => site.close());

  const add = (nickname: string) => site.standin.posts.add(videoPost({ nickname }));
  const nameOf = (page: Page) => page.locator('article.result h2').textContent();
  const focused = (page: Page) => page.evaluate<string>('document.activeElement.id');

  /** Holds the page's questions back until told to let them go; counts them. */
  async function hold(page: Page): Promise<{ asked: () => number; release: () => void }> {
    let asked = 0;
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route('**/tiktok', async (route) => {
      asked += 1;
      await released;
      // What was given up cannot go on.
      await route.continue().catch(() => undefined);
    });
    return { asked: () => asked, release };
  }

  it('sees at once that something happens, and later that it still does', async () => {
    const page = await site.visit();
    await page.clock.install();
    const { release } = await hold(page);
    await page.locator('#link').fill(add('Slow').url);
    await page.locator('#go').click();
    await page.locator('.skeleton', { hasText: en.loading }).waitFor();
    expect(await page.locator('#status').textContent()).toBe(en.loading);
    expect(await page.locator('#result').getAttribute('aria-busy')).toBe('true');
    // A live region inside of something busy is not read out.
    expect(await page.locator('[aria-busy=true] #status').count()).toBe(0);
    await page.clock.fastForward(6500);
    await page.locator('.skeleton', { hasText: en.slow }).waitFor();
    expect(await page.locator('#status').textContent()).toBe(en.slow);
    await page.locator('#language').selectOption('es');
    await page.locator('.skeleton', { hasText: es.slow }).waitFor();
    release();
    await page.locator('article.result').waitFor();
    expect(await page.locator('#result').getAttribute('aria-busy')).toBeNull();
  });

  it('who presses twice asks once', async () => {
    const page = await site.visit();
    const { asked, release } = await hold(page);
    await page.locator('#link').fill(add('Once').url);
    await page.locator('#go').dblclick();
    await page.locator('#link').press('Enter');
    release();
    await page.locator('article.result').waitFor();
    expect(asked()).toBe(1);
  });

  it('who empties the field while a post is read still gets the post', async () => {
    const page = await site.visit();
    const { release } = await hold(page);
    await page.locator('#link').fill(add('Read on').url);
    await page.locator('#go').click();
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
    await page.locator('#go').click();
    expect(await focused(page)).toBe('link');
    release();
    await page.locator('article.result').waitFor();
    expect(await nameOf(page)).toBe('Read on');
  });

  it('who types another link meanwhile keeps the focus, and an old wait tries the old link', async () => {
    const post = add('Waited for');
    const page = await site.visit();
    const busy = { error: 'Busy.', code: 'busy', retryable: true, retry_after: 1 };
    await page.route('**/tiktok', (route) => route.fulfill({ status: 503, json: busy }), { times: 1 });
    await get(page, post.url);
    await page.locator('#link').fill('https://www.tiktok.com/@half/vi');
    await page.locator('article.result').waitFor();
    expect(await nameOf(page)).toBe('Waited for');
    expect(await focused(page)).toBe('link');
    expect(await page.locator('#link').inputValue()).toBe('https://www.tiktok.com/@half/vi');
  });

  it('finds the way back, and forth, from post to post and to the beginning', async () => {
    const [first, second] = [add('First'), add('Second')];
    const page = await site.visit();
    await get(page, first.url);
    await get(page, second.url);
    await page.goBack();
    await page.locator('h2', { hasText: 'First' }).waitFor();
    expect(await page.locator('#link').inputValue()).toBe(first.url);
    await page.goBack();
    await page.locator('article.result').waitFor({ state: 'detached' });
    expect(await page.locator('#link').inputValue()).toBe('');
    await page.goForward();
    await page.locator('h2', { hasText: 'First' }).waitFor();
  });

  it('who shared a link goes back to where it came from, not to the page without it', async () => {
    const post = add('Shared');
    const page = await site.visit(`/?text=${encodeURIComponent(`Look: ${post.url}`)}`);
    await outcome(page);
    await expect.poll(() => new URL(page.url()).searchParams.get('url'), PATIENCE).toBe(post.url);
    await page.goBack();
    expect(page.url()).toBe('about:blank');
  });

  it('can drop a link anywhere, and nothing else', async () => {
    const page = await site.visit();
    const drop = (text: string) =>
      page.evaluate<boolean>(`{
        const dataTransfer = new DataTransfer();
        dataTransfer.setData('text/plain', ${JSON.stringify(text)});
        const tell = (type) => document.querySelector('h1').dispatchEvent(
          new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
        [tell('dragover'), tell('drop')].every((taken) => taken === false);
      }`);
    expect(await drop('https://example.com/elsewhere')).toBe(false);
    expect(await drop(add('Dropped').url)).toBe(true);
    expect(await (await outcome(page)).locator('h2').textContent()).toBe('Dropped');
  });

  it('who comes by a connection that answers nothing gets the page that was kept', async () => {
    const page = await site.visit();
    await page.evaluate('navigator.serviceWorker.ready');
    await page.reload();
    site.service.kill('SIGSTOP');
    try {
      await page.reload();
      await page.locator('html[data-ready]').waitFor();
      expect(await page.locator('h1').textContent()).toBe(en.heading);
    } finally {
      site.service.kill('SIGCONT');
    }
  });

  it('hears what is there: landmarks, headings, names of all that can be used', async () => {
    const page = await site.visit();
    expect(await heard(page, 'body')).toMatchInlineSnapshot(`
      "- banner:
        - link "TikTok Downloader":
        - text: Language
        - combobox "Language":
          - option "English" [selected]
          - option "Bahasa Indonesia"
          - option "Español"
          - option "Português"
          - option "العربية"
      - main:
        - region "Save a TikTok post":
          - heading "Save a TikTok post" [level=1]
          - paragraph: Video without watermark, sound as MP3, subtitles, photos and slideshows.
          - text: Link to the post
          - textbox "Link to the post":
            - /placeholder: https://www.tiktok.com/…
          - button "Paste"
          - button "Get post"
          - paragraph: A TikTok or Douyin link, or the whole text that the app shares.
        - status
      - contentinfo:
        - paragraph: History stays in this browser. The page talks only to this server.
        - link "API":"
    `);
    const post = photoPost({ user: 'hill.walks', nickname: 'Hill', desc: 'Two views', photos: 2 });
    await get(page, site.standin.posts.add(post).url);
    expect(await heard(page, '#result')).toMatchInlineSnapshot(`
      "- article "Hill":
        - list "Photos":
          - listitem:
            - button "View photo 1":
              - img "Photo 1 of 2"
          - listitem:
            - button "View photo 2":
              - img "Photo 2 of 2"
        - heading "Hill" [level=2]
        - paragraph:
          - text: "@hill.walks"
          - time #
        - paragraph: Two views
        - term: Plays
        - definition: #
        - term: Likes
        - definition: #
        - term: Comments
        - definition: #
        - term: Shares
        - definition: #
        - term: Saves
        - definition: #
        - heading "Downloads" [level=3]
        - link "All photos, ZIP":
        - link "Sound, MP3":
        - heading "Slideshow" [level=3]
        - paragraph: A video of all photos with the post’s sound.
        - button "Make slideshow"
        - text: Links work until #
        - link "View original":"
    `);
    await get(page, scenario('status 10222').url);
    expect(await heard(page, '#problem')).toMatchInlineSnapshot(`
      "- alert:
        - heading "This post is private" [level=2]
        - paragraph: Only people whom its author allows can see it. View it in the app, or ask the author.
        - link "View original":
        - button "Try another link"
        - paragraph: post_private · #"
    `);
  });
});

/** What a screen reader finds there; without addresses, and numbers and times as #. */
async function heard(page: Page, selector: string): Promise<string> {
  const tree = await page.locator(selector).ariaSnapshot();
  return tree
    .replace(/\n\s*- \/url: .*/g, '')
    .replace(/(time|until|post_private ·).*/g, '$1 #')
    .replace(/(term: \w+\n\s*- definition:).*/g, '$1 #');
}

describe.skipIf(!CHROMIUM)('the page', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  });
  afterEach(async () => {
    await site.leave();
    expect(site.complaints()).toEqual([]);
  });
  afterAll(() => site.close());

  it('says without JavaScript what can be done, at once', async () => {
    const context = await site.browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(site.service.baseUrl);
    const words = page.locator('.noscript');
    expect(await words.isVisible()).toBe(true);
    expect(await page.locator('.brand').isVisible()).toBe(true);
    expect(await page.locator('form, #language').filter({ visible: true }).count()).toBe(0);
    await words.getByRole('link').click();
    expect(await page.locator('body').textContent()).toContain('"/tiktok"');
  });

  it('moves nothing where the visitor wants no motion', async () => {
    const post = site.standin.posts.add(videoPost());
    const moving = async (reducedMotion: 'reduce' | 'no-preference') => {
      const page = await site.visit('/', { reducedMotion });
      await page.route('**/tiktok', () => undefined);
      await page.locator('#link').fill(post.url);
      await page.locator('#go').click();
      await page.locator('.skeleton').waitFor();
      return page.evaluate<number>('document.getAnimations().length');
    };
    expect(await moving('no-preference')).toBeGreaterThan(0);
    expect(await moving('reduce')).toBe(0);
  });

  it('shows focus and progress where the system chooses the colours', async () => {
    const page = await site.visit('/', { forcedColors: 'active' });
    await page.locator('#link').focus();
    const style = (selector: string, name: string, pseudo = '') =>
      page.evaluate<string>(
        `getComputedStyle(document.querySelector('${selector}'), '${pseudo}')['${name}']`,
      );
    expect(await style('.field', 'outlineStyle')).toBe('solid');
    expect(await style('.field', 'outlineColor')).not.toMatch(/^rgba\(.* 0\)$/);
    await page.route('**/tiktok', (route) => route.fulfill({ status: 503, json: { code: 'busy' } }));
    await get(page, 'https://www.tiktok.com/@someone/video/1');
    expect(await style('.countdown progress', 'borderTopStyle')).toBe('solid');
    const bar = await page.locator('.countdown progress').screenshot();
    const { dominant } = await sharp(bar).extract({ left: 20, top: 3, width: 20, height: 2 }).stats();
    expect(Math.min(dominant.r, dominant.g, dominant.b)).toBeLessThan(200);
  });

  it('prints the post, and nothing to press that paper cannot', async () => {
    const page = await site.visit();
    const card = await get(page, site.standin.posts.add(videoPost()).url);
    await page.emulateMedia({ media: 'print' });
    expect(await card.isVisible()).toBe(true);
    expect(await page.locator('form, #language, #history').filter({ visible: true }).count()).toBe(0);
  });
});

import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { describe, expect } from 'vitest';
import en from '../../src/web/lang/en.ts';
import es from '../../src/web/lang/es.ts';
import { photoPost, scenario, videoPost } from '../helpers/standin/index.ts';
import { CHROMIUM } from './browser.ts';
import { get, it, outcome, PATIENCE } from './site.ts';

describe.skipIf(!CHROMIUM).concurrent('the page', () => {
  const named = (nickname: string) => videoPost({ nickname });
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

  it('says at once that it reads the post, and after 6 s that it still does', async ({ site, visit }) => {
    const page = await visit();
    await page.clock.install();
    const { release } = await hold(page);
    await page.locator('#link').fill(site.add(named('Slow')).url);
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

  it('requests a post once when the button is pressed twice', async ({ site, visit }) => {
    const page = await visit();
    const { asked, release } = await hold(page);
    await page.locator('#link').fill(site.add(named('Once')).url);
    await page.locator('#go').dblclick();
    await page.locator('#link').press('Enter');
    release();
    await page.locator('article.result').waitFor();
    expect(asked()).toBe(1);
  });

  it('who empties the field while a post is read still gets the post', async ({ site, visit }) => {
    const page = await visit();
    const { release } = await hold(page);
    await page.locator('#link').fill(site.add(named('Read on')).url);
    await page.locator('#go').click();
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
    await page.locator('#go').click();
    expect(await focused(page)).toBe('link');
    release();
    await page.locator('article.result').waitFor();
    expect(await nameOf(page)).toBe('Read on');
  });

  it('leaves focus and text alone while another link is typed during a retry', async ({ site, visit }) => {
    const post = site.add(named('Waited for'));
    const page = await visit();
    const busy = { error: 'Busy.', code: 'busy', retryable: true, retry_after: 1 };
    await page.route('**/tiktok', (route) => route.fulfill({ status: 503, json: busy }), { times: 1 });
    await get(page, post.url);
    await page.locator('#link').fill('https://www.tiktok.com/@half/vi');
    await page.locator('article.result').waitFor();
    expect(await nameOf(page)).toBe('Waited for');
    expect(await focused(page)).toBe('link');
    expect(await page.locator('#link').inputValue()).toBe('https://www.tiktok.com/@half/vi');
  });

  it('goes back and forth from post to post and to the empty page', async ({ site, visit }) => {
    const [first, second] = [site.add(named('First')), site.add(named('Second'))];
    const page = await visit();
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

  it('goes back from a shared link to where it came from', async ({ site, visit }) => {
    const post = site.add(named('Shared'));
    const page = await visit(`/?text=${encodeURIComponent(`Look: ${post.url}`)}`);
    await outcome(page);
    await expect.poll(() => new URL(page.url()).searchParams.get('url'), PATIENCE).toBe(post.url);
    await page.goBack();
    expect(page.url()).toBe('about:blank');
  });

  it('opens a post link that is dropped anywhere, and no other text', async ({ site, visit }) => {
    const page = await visit();
    const drop = (text: string) =>
      page.evaluate<boolean>(`{
        const dataTransfer = new DataTransfer();
        dataTransfer.setData('text/plain', ${JSON.stringify(text)});
        const tell = (type) => document.querySelector('h1').dispatchEvent(
          new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
        [tell('dragover'), tell('drop')].every((taken) => taken === false);
      }`);
    expect(await drop('https://example.com/elsewhere')).toBe(false);
    expect(await drop(site.add(named('Dropped')).url)).toBe(true);
    expect(await (await outcome(page)).locator('h2').textContent()).toBe('Dropped');
  });

  it('names landmarks, headings and controls for screen readers', async ({ site, visit, expect }) => {
    const page = await visit();
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
    await get(page, site.add(post).url);
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

  it('says without JavaScript what can be done', async ({ site }) => {
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

  it('moves nothing where the system asks for reduced motion', async ({ site, visit }) => {
    const post = site.add(videoPost());
    const moving = async (reducedMotion: 'reduce' | 'no-preference') => {
      const page = await visit('/', { reducedMotion });
      await page.route('**/tiktok', () => undefined);
      await page.locator('#link').fill(post.url);
      await page.locator('#go').click();
      await page.locator('.skeleton').waitFor();
      return page.evaluate<number>('document.getAnimations().length');
    };
    expect(await moving('no-preference')).toBeGreaterThan(0);
    expect(await moving('reduce')).toBe(0);
  });

  it('shows focus and progress in forced colours', async ({ visit }) => {
    const page = await visit('/', { forcedColors: 'active' });
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

  it('prints the post without controls', async ({ site, visit }) => {
    const page = await visit();
    const card = await get(page, site.add(videoPost()).url);
    await page.emulateMedia({ media: 'print' });
    expect(await card.isVisible()).toBe(true);
    expect(await page.locator('form, #language, #history').filter({ visible: true }).count()).toBe(0);
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

import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { describe, expect } from 'vitest';
import en, { type Messages } from '../../src/web/lang/en.ts';
import es from '../../src/web/lang/es.ts';
import { photoPost, scenario, videoPost } from '../helpers/standin/index.ts';
import { CHROMIUM, PHONE } from './browser.ts';
import { refuse } from './problem.ts';
import { get, it, outcome, PATIENCE } from './site.ts';

describe.skipIf(!CHROMIUM)('the page', { concurrent: true }, () => {
  const slow = (words: Messages) => words.slow.replace('{platform}', words.tiktok);
  const named = (nickname: string) => videoPost({ nickname });
  const nameOf = (page: Page) => page.locator('article.result h2').textContent();
  const focused = (page: Page) => page.evaluate<string>('document.activeElement.id');

  /** Pastes where the focus is, as Ctrl+V does. */
  const paste = (page: Page, text: string) =>
    page.evaluate(`{
      const clipboardData = new DataTransfer();
      clipboardData.setData('text', ${JSON.stringify(text)});
      document.activeElement.dispatchEvent(
        new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    }`);

  /** Holds requests for posts back until they are released; counts them. */
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
    await page.locator('.skeleton', { hasText: slow(en) }).waitFor();
    expect(await page.locator('#status').textContent()).toBe(slow(en));
    await page.locator('#language').selectOption('es');
    await page.locator('.skeleton', { hasText: slow(es) }).waitFor();
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

  it.for([
    ['Clear', (page: Page) => page.getByRole('button', { name: 'Clear', exact: true }).click()],
    ['Cancel', (page: Page) => page.getByRole('button', { name: 'Cancel' }).click()],
    ['Escape', (page: Page) => page.keyboard.press('Escape')],
  ] as const)('gives up the request by %s', async ([, press], { site, visit }) => {
    const page = await visit();
    const { release } = await hold(page);
    await page.locator('#link').fill(site.add(named('Given up')).url);
    await page.locator('#go').click();
    await page.locator('.skeleton').waitFor();
    await press(page);
    release();
    await page.waitForLoadState('networkidle');
    expect(await page.locator('article.result, .problem, .skeleton').count()).toBe(0);
    expect(await focused(page)).toBe('link');
    expect(new URL(page.url()).search).toBe('');
  });

  it('keeps the link over a reload while it waits, and after an error', async ({ site, visit }) => {
    const post = site.add(named('Reloaded'));
    const page = await visit();
    await page.route('**/tiktok', (route) => route.abort(), { times: 1 });
    await get(page, `Look: ${post.url}`);
    await page.getByRole('alert').waitFor();
    await page.reload();
    expect(await (await outcome(page)).locator('h2').textContent()).toBe('Reloaded');
    const { release } = await hold(page);
    await page.locator('#link').fill(site.add(named('Second')).url);
    await page.locator('#go').click();
    await page.locator('.skeleton').waitFor();
    await page.unroute('**/tiktok');
    release();
    await page.reload();
    await page.locator('h2', { hasText: 'Second' }).waitFor();
  });

  it('comes back to the last post after a link that is wrong, without a request', async ({ site, visit }) => {
    const post = site.add(named('Still there'));
    const page = await visit();
    await get(page, post.url);
    await get(page, 'nonsense');
    await page.getByRole('alert').waitFor();
    let asked = 0;
    await page.route('**/tiktok', (route) => {
      asked += 1;
      return route.continue();
    });
    await page.goBack();
    await page.locator('h2', { hasText: 'Still there' }).waitFor();
    expect(asked).toBe(0);
  });

  it('keeps the post where the pasted text holds no link to a post', async ({ site, visit }) => {
    const page = await visit();
    await get(page, site.add(named('Kept')).url);
    await paste(page, 'some note I copied');
    expect(await nameOf(page)).toBe('Kept');
    await paste(page, site.add(named('Pasted')).url.replace('https://', ''));
    await page.locator('h2', { hasText: 'Pasted' }).waitFor();
  });

  it('finds the link at the end of a text that is too long', async ({ site, visit }) => {
    const post = site.add(named('At the end'));
    const page = await visit();
    await paste(page, `${'word '.repeat(1000)} ${post.url}`);
    await page.locator('h2', { hasText: 'At the end' }).waitFor();
    expect(await page.locator('#link').inputValue()).toBe(post.url);
  });

  it('says what to do where the browser refuses the clipboard, or the field is empty', async ({ visit }) => {
    const page = await visit();
    await page.evaluate(`navigator.clipboard.readText = () => Promise.reject(new Error('denied'))`);
    await page.getByRole('button', { name: 'Paste' }).click();
    await page.locator('#note', { hasText: en.pasteBlocked }).waitFor();
    expect(await page.locator('#status').textContent()).toBe(en.pasteBlocked);
    await page.locator('#go').click();
    await page.locator('#note', { hasText: en.empty }).waitFor();
    expect(await page.locator('#link').getAttribute('aria-invalid')).toBe('true');
    expect(await focused(page)).toBe('link');
  });

  it('shows the words of the wait and the first button on the screen of a phone', async ({ site, visit }) => {
    for (const viewport of [
      { width: 390, height: 664 },
      { width: 360, height: 640 },
    ]) {
      const page = await visit('/', { ...PHONE, viewport });
      const { release } = await hold(page);
      await page.locator('#link').fill(site.add(videoPost({ desc: 'word '.repeat(200) })).url);
      await page.locator('#go').click();
      const bottom = async (selector: string) => {
        const box = await page.locator(selector).first().boundingBox();
        return (box?.y ?? 0) + (box?.height ?? 0);
      };
      await page.locator('.wait').waitFor();
      expect(await bottom('.wait')).toBeLessThan(viewport.height);
      release();
      await page.locator('article.result').waitFor();
      expect(await bottom('.saves .primary')).toBeLessThan(viewport.height);
    }
  });

  it('keeps an unfolded gallery and a stopped retry over a change of language', async ({ site, visit }) => {
    const page = await visit();
    const card = await get(page, site.add(photoPost({ photos: 12 })).url);
    await card.getByRole('button', { name: 'Show all 12 photos' }).click();
    await page.route('**/download?**', (route) => refuse(route, 'busy', 60), { times: 1 });
    await card.getByRole('link', { name: 'Sound, MP3' }).click();
    await page.getByRole('button', { name: 'Stop trying' }).click();
    await page.locator('#language').selectOption('es');
    await page.getByRole('heading', { name: es.errors.busy[0] }).waitFor();
    expect(await page.getByRole('alert').textContent()).toContain(es.stopped);
    expect(await page.locator('.countdown').count()).toBe(0);
    expect(await card.locator('.tile').count()).toBe(12);
    expect(await card.locator('.saves').first().textContent()).toContain(es.zip);
  });

  it('drops the failure of a file whose post is no longer shown', async ({ site, visit }) => {
    const page = await visit();
    const card = await get(page, site.add(named('First')).url);
    let fail = () => {};
    const failed = new Promise<void>((resolve) => {
      fail = resolve;
    });
    await page.route('**/download?**', async (route) => {
      await failed;
      await refuse(route, 'link_expired');
    });
    await card.getByRole('link', { name: 'Sound, MP3' }).click();
    await get(page, site.add(named('Second')).url);
    const answered = page.waitForResponse('**/download?**');
    fail();
    await answered;
    await page.evaluate('new Promise((done) => setTimeout(done, 300))');
    expect(await nameOf(page)).toBe('Second');
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('names the post in the title of the tab', async ({ site, visit, expect }) => {
    const page = await visit();
    await get(page, site.add(videoPost({ nickname: 'Nick', desc: 'A caption' })).url);
    expect(await page.title()).toBe('Nick: A caption – TikTok Downloader');
    await page.goBack();
    await expect.poll(() => page.title(), PATIENCE).toBe('TikTok Downloader');
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

  it('comes back to where one was on the page', async ({ site, visit, expect }) => {
    const page = await visit('/', PHONE);
    await get(page, site.add(photoPost({ photos: 9 })).url);
    await page.evaluate('scrollTo(0, 500)');
    // A browser notes the place some time after scrolling.
    await page.evaluate('new Promise((done) => setTimeout(done, 500))');
    // Without scrolling to the field.
    await page.evaluate(`{
      document.getElementById('link').value = ${JSON.stringify(site.add(named('Next')).url)};
      document.getElementById('form').requestSubmit();
    }`);
    await page.locator('h2', { hasText: 'Next' }).waitFor();
    await page.goBack();
    await page.locator('.tile').first().waitFor();
    await expect.poll(() => page.evaluate('scrollY'), PATIENCE).toBe(500);
  });

  it('goes back from a shared link to where it came from', async ({ site, visit, expect }) => {
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
          - paragraph
          - paragraph: One or more TikTok or Douyin links, or the whole text that the app shares.
        - status
      - contentinfo:
        - paragraph: History stays in this browser. The page talks only to this server.
        - button "Turn history off"
        - link "API":"
    `);
    const post = photoPost({
      user: 'hill.walks',
      nickname: 'Hill',
      desc: 'Two views',
      photos: 2,
      musicAuthor: 'Some Band',
    });
    await get(page, site.add(post).url);
    expect(await heard(page, '#result')).toMatchInlineSnapshot(`
      "- article "Hill":
        - heading "Hill" [level=2]
        - paragraph:
          - text: "@hill.walks"
          - time #
        - paragraph: Two views
        - heading "Downloads" [level=3]
        - link "All photos, ZIP":
        - link "Sound, MP3 ⁨0:06⁩ · ⁨Some Band⁩":
        - button "Select photos"
        - list "Photos":
          - listitem:
            - button "View photo 1":
              - img "Photo 1 of 2"
          - listitem:
            - button "View photo 2":
              - img "Photo 2 of 2"
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
        - heading "Slideshow" [level=3]
        - group: Options
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

import type { Page, Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ERRORS, type ErrorCode } from '../../src/errors.ts';
import { Links, TokenSealer } from '../../src/links/index.ts';
import type { Asset } from '../../src/posts/asset.ts';
import en, { type Messages } from '../../src/web/lang/en.ts';
import { LANGUAGES } from '../../src/web/languages.ts';
import { photoPost, type StandinPost, scenario, videoPost } from '../helpers/standin/index.ts';
import { CHROMIUM, DESKTOP, PHONE, WITHOUT_CHROMIUM } from './browser.ts';
import { get, openSite, PATIENCE, type Site, saved } from './site.ts';

if (!CHROMIUM) process.stdout.write(`test/web/errors: ${WITHOUT_CHROMIUM}\n`);

const KEY = 'a key that only this test knows 4712';

/** The first thing that each failure offers to do. */
const FIRST_STEP: Record<ErrorCode, 'other' | 'again' | 'original' | 'now' | 'copy' | 'retry'> = {
  invalid_request: 'other',
  unsupported_url: 'other',
  link_invalid: 'again',
  link_expired: 'again',
  not_a_photo_post: 'again',
  post_not_found: 'other',
  post_private: 'original',
  login_required: 'original',
  region_blocked: 'original',
  ip_blocked: 'now',
  extractor_outdated: 'copy',
  upstream_failed: 'retry',
  timeout: 'retry',
  busy: 'now',
  rate_limited: 'now',
  render_failed: 'retry',
  internal: 'retry',
};
const CODES = Object.keys(FIRST_STEP) as ErrorCode[];
const COUNTING: ErrorCode[] = ['ip_blocked', 'busy', 'rate_limited'];

/** The service's answer for a failure, as CONTRACT §6 has it. */
function refuse(route: Route, code: ErrorCode, retryAfter?: number): Promise<void> {
  const { status, message, retryable } = ERRORS[code];
  const body = { error: message, code, retryable, request_id: 'request-4711', retry_after: retryAfter };
  return route.fulfill({ status, json: body });
}

describe.skipIf(!CHROMIUM)('a failure on the page', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite({ ENCRYPTION_KEY: KEY });
  });
  afterEach(async () => {
    await site.leave();
    expect(site.complaints()).toEqual([]);
  });
  afterAll(() => site.close());

  const add = () => site.standin.posts.add(videoPost());

  async function expectProblem(page: Page, code: ErrorCode, words: Messages = en): Promise<void> {
    const problem = page.getByRole('alert');
    const [title, step] = words.errors[code];
    await problem.getByRole('heading', { name: title }).waitFor();
    expect(await problem.textContent()).toContain(step);
    expect(await problem.locator('.primary').textContent()).toBe(words[FIRST_STEP[code]]);
    expect(await problem.locator('.details').textContent()).toMatch(new RegExp(`^${code} · `));
    expect(await problem.locator('.countdown').count()).toBe(COUNTING.includes(code) ? 1 : 0);
  }

  /** The narrowest phone; English has more room. */
  const EVERYWHERE = Object.keys(LANGUAGES).flatMap((language) => [
    [language, { ...PHONE, width: 320 }] as const,
    ...(language === 'en' ? [[language, DESKTOP] as const] : []),
  ]);

  it.each(EVERYWHERE)(
    'has its own words, its own next step and its request id, whichever code it is: %s, %o',
    async (locale, viewport) => {
      const words = (await LANGUAGES[locale]?.load())?.default ?? en;
      const page = await site.visit('/', { locale, viewport });
      for (const code of CODES) {
        await page.route('**/tiktok', (route) => refuse(route, code), { times: 1 });
        await get(page, 'https://www.tiktok.com/@someone/video/1');
        await expectProblem(page, code, words);
        expect(await page.locator('.details').textContent()).toBe(`${code} · request-4711`);
        expect(await page.locator('article.result').count()).toBe(0);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(viewport.width);
      }
    },
  );

  it('comes from the service itself, for what can be wrong with a link or a post', async () => {
    const wrong: [ErrorCode, string][] = [
      ['unsupported_url', 'https://example.com/a/cat'],
      ['invalid_request', `${'x'.repeat(5000)}`],
      ['post_not_found', scenario("status 10204 item doesn't exist").url],
      ['post_private', scenario('status 10222').url],
      ['login_required', scenario('age gate').url],
      ['region_blocked', scenario('status 10231').url],
      ['ip_blocked', scenario('HTTP 403').url],
      ['extractor_outdated', scenario('page in an unknown shape').url],
      ['upstream_failed', scenario('HTTP 500').url],
      ['timeout', scenario('never answering').url],
    ];
    const page = await site.visit();
    for (const [code, link] of wrong) {
      // By address and not through the field, which takes no text as long as this.
      await page.goto(`${site.service.baseUrl}/?url=${encodeURIComponent(link)}`);
      await expectProblem(page, code);
    }
  });

  it.each(COUNTING)('%s counts down and tries again by itself', async (code) => {
    const page = await site.visit();
    let asked = 0;
    await page.route('**/tiktok', (route) => {
      asked += 1;
      return asked > 2 ? route.continue() : refuse(route, code, asked === 1 ? 2 : 1);
    });
    await get(page, add().url);
    await page.locator('.countdown', { hasText: 'Trying again in 2 s' }).waitFor();
    await page.locator('.countdown', { hasText: 'Trying again in 1 s' }).waitFor();
    await page.locator('article.result').waitFor();
    expect(asked).toBe(3);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('waits longer each time where the service names no time', async () => {
    const page = await site.visit();
    await page.clock.install();
    await page.route('**/tiktok', (route) => refuse(route, 'busy'));
    await get(page, add().url);
    const clock = page.locator('.countdown span');
    for (const seconds of [5, 10, 20, 40]) {
      await page.locator('.countdown', { hasText: `in ${seconds} s` }).waitFor();
      await page.clock.fastForward(seconds * 1000 + 300);
    }
    expect(await clock.textContent()).toMatch(/in (79|80) s/);
  });

  it('stops trying when told to, and tries at once when told to', async () => {
    const page = await site.visit();
    let asked = 0;
    await page.route('**/tiktok', (route) => {
      asked += 1;
      return asked > 1 ? route.continue() : refuse(route, 'busy', 1);
    });
    await get(page, add().url);
    await page.getByRole('button', { name: 'Stop trying' }).click();
    expect(await page.locator('.countdown').count()).toBe(0);
    await page.waitForTimeout(1500);
    expect(asked).toBe(1);
    await page.getByRole('button', { name: 'Try now' }).press('Enter');
    await page.locator('article.result').waitFor();
  });

  it('gives up an old wait when another link is asked for', async () => {
    const page = await site.visit();
    await page.route('**/tiktok', (route) => refuse(route, 'busy', 1), { times: 1 });
    await get(page, scenario('HTTP 500').url);
    const post = add();
    await page.locator('#link').fill(post.url);
    await page.locator('#link').press('Enter');
    await page.locator('article.result').waitFor();
    await page.waitForTimeout(1200);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('real busyness ends in the post', async () => {
    // Long enough that the words can be read in, on a machine that is busy itself.
    const small = await openSite({ MAX_WORKERS: '1', MAX_QUEUE: '0', YTDLP_TIMEOUT: '8' });
    onTestFinished(() => small.close());
    const post = small.standin.posts.add(videoPost());
    const hanging = small.service.post(scenario('never answering').url);
    const page = await small.visit(`/?url=${encodeURIComponent(post.url)}`);
    await expectProblem(page, 'busy');
    await page.locator('article.result').waitFor();
    await hanging;
  });

  it('offers the original where it is a post, and no other address', async () => {
    const page = await site.visit();
    await page.route('**/tiktok', (route) => refuse(route, 'post_private'));
    await get(page, `https://evil.example/tiktok.com ${add().url}`);
    expect(await page.getByRole('link', { name: 'View original' }).getAttribute('href')).toMatch(
      /^https:\/\/www\.tiktok\.com\//,
    );
    await get(page, 'https://evil.example/@a/video/1?https://www.tiktok.com/');
    expect(await page.getByRole('link', { name: 'View original' }).count()).toBe(0);
  });

  it('goes back to the field for another link', async () => {
    const page = await site.visit();
    await get(page, 'nonsense');
    await page.getByRole('button', { name: 'Try another link' }).press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('link');
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('is told apart where only a proxy in front of the service answers, and passes with the proxy', async () => {
    const page = await site.visit();
    const answer = { status: 502, body: '<html>Bad Gateway</html>' };
    await page.route('**/tiktok', (route) => route.fulfill(answer), { times: 1 });
    await get(page, add().url);
    await page.getByRole('heading', { name: en.errors.unreachable[0] }).waitFor();
    await page.locator('.countdown', { hasText: 'in 5 s' }).waitFor();
    await page.locator('article.result').waitFor();
  });

  describe('of a file', () => {
    const made = (
      route: 'download' | 'stream' | 'download-slideshow',
      post: StandinPost,
      asset: Asset,
      at: number,
    ) =>
      new Links(new TokenSealer(KEY), site.service.baseUrl, 0).make(
        route,
        { ref: { platform: 'tiktok', id: post.id }, asset, source: null },
        at,
      );

    /**
     * Answers links of one route as if their time had come, until the page has asked for the post again.
     * @param failures that the answer waits for
     */
    async function age(
      page: Page,
      path: string,
      expired: string,
      failures = 1,
    ): Promise<{ renewals: () => number }> {
      let [renewals, left, renewed] = [0, failures, false];
      page.on('response', (response) => {
        if (response.status() >= 400) left -= 1;
      });
      await page.route(`**/${path}?**`, (route) => route.continue(renewed ? {} : { url: expired }));
      await page.route('**/tiktok', async (route) => {
        renewals += 1;
        await expect.poll(() => left, PATIENCE).toBeLessThanOrEqual(0);
        // The page has to see what the test has seen.
        await page.evaluate('new Promise((done) => setTimeout(done, 50))');
        renewed = true;
        await route.continue();
      });
      return { renewals: () => renewals };
    }

    const playable = (page: Page) =>
      expect
        .poll(() => page.evaluate<number>('document.querySelector("video").readyState'), PATIENCE)
        .toBeGreaterThan(0);

    it('link_expired: the page gets the post again by itself, and then the file', async () => {
      const post = add();
      const page = await site.visit();
      const card = await get(page, post.url);
      const expired = made('download', post, { kind: 'mp3' }, Date.now() - 1000);
      const { renewals } = await age(page, 'download', expired);
      const file = await saved(page, card.getByRole('link', { name: 'Sound, MP3' }));
      expect(file.name).toMatch(/\.mp3$/);
      expect([renewals(), await page.getByRole('alert').count()]).toEqual([1, 0]);
      expect(await page.evaluate('document.activeElement.textContent')).toContain('Sound, MP3');
    });

    it('link_expired of a photo shown large gets the post again, and then the photo', async () => {
      const post = site.standin.posts.add(photoPost());
      const page = await site.visit();
      await get(page, post.url);
      await page.getByRole('button', { name: 'View photo 2' }).click();
      await page.locator('.stage img').evaluate((image) => (image as unknown as { decode(): void }).decode());
      await age(page, 'download', made('download', post, { kind: 'mp3' }, Date.now() - 1000));
      const file = await saved(page, page.getByRole('link', { name: 'Save photo 2' }));
      expect(file.name).toMatch(/_02\.jpg$/);
    });

    it('link_expired of a slideshow gets the post again, and then the film', async () => {
      const post = site.standin.posts.add(photoPost());
      const page = await site.visit();
      const card = await get(page, post.url);
      const expired = made('download-slideshow', post, { kind: 'slideshow' }, Date.now() - 1000);
      const { renewals } = await age(page, 'download-slideshow', expired);
      await card.getByRole('button', { name: 'Make slideshow' }).click();
      await card.getByRole('link', { name: 'Save slideshow, MP4' }).waitFor();
      expect(renewals()).toBe(1);
    });

    it('link_expired and link_invalid of the player get the post again, and it goes on where it was', async () => {
      const page = await site.visit();
      await get(page, add().url);
      await playable(page);
      await page.evaluate('{ document.querySelector("video").currentTime = 2; }');
      await page.waitForLoadState('networkidle');
      const { renewals } = await age(page, 'stream', `${site.service.baseUrl}/stream?data=broken`, 2);
      const old = await page.locator('video').getAttribute('src');
      // As when the browser needs a part that it does not have, and then another.
      const fails = `document.querySelector('video').dispatchEvent(new Event('error'))`;
      await page.evaluate(`${fails} && ${fails}`);
      await expect.poll(() => page.locator('video').getAttribute('src'), PATIENCE).not.toBe(old);
      await playable(page);
      expect(await page.evaluate('document.querySelector("video").currentTime')).toBe(2);
      expect([renewals(), await page.getByRole('alert').count()]).toEqual([1, 0]);
    });

    it('link_expired that new links do not mend is said, with the way out', async () => {
      const post = add();
      const page = await site.visit();
      const card = await get(page, post.url);
      const expired = made('download', post, { kind: 'mp3' }, Date.now() - 1000);
      await page.route('**/download?**', (route) => route.continue({ url: expired }));
      await card.getByRole('link', { name: 'Sound, MP3' }).click();
      await expectProblem(page, 'link_expired');
      await page.unroute('**/download?**');
      await page.getByRole('button', { name: 'Get the post again' }).click();
      await page.getByRole('alert').waitFor({ state: 'detached' });
      await page.locator('article.result').waitFor();
      expect(
        (await saved(page, page.getByRole('link', { name: 'Sound, MP3' }))).bytes.length,
      ).toBeGreaterThan(0);
    });

    it('a post that is gone when its links are renewed is said, and the card stays', async () => {
      const post = add();
      const page = await site.visit();
      const card = await get(page, post.url);
      const expired = made('download', post, { kind: 'mp3' }, Date.now() - 1000);
      await page.route('**/download?**', (route) => route.continue({ url: expired }));
      await page.route('**/tiktok', (route) => refuse(route, 'post_not_found'));
      await card.getByRole('link', { name: 'Sound, MP3' }).click();
      await page.getByRole('heading', { name: en.errors.post_not_found[0] }).waitFor();
      expect(await card.isVisible()).toBe(true);
    });

    it('a player that gets nothing says why, and plays after another try', async () => {
      const post = add();
      const rule = site.standin.faults.add({ post: post.id, part: 'video' }, { kind: 'status', status: 500 });
      const page = await site.visit();
      await get(page, post.url);
      await expectProblem(page, 'upstream_failed');
      rule.remove();
      await page.getByRole('button', { name: 'Try again' }).click();
      await playable(page);
      expect(await page.getByRole('alert').count()).toBe(0);
    });

    it('a slideshow that fails midway says why, and is made after another try', async () => {
      const post = site.standin.posts.add(photoPost({ photos: 6 }));
      const page = await site.visit();
      const card = await get(page, post.url);
      await page.waitForLoadState('networkidle');
      const rule = site.standin.faults.add(
        { post: post.id, part: 'photo', index: 4 },
        { kind: 'cut', after: 5000 },
      );
      await card.getByRole('button', { name: 'Make slideshow' }).click();
      await page.getByRole('alert').waitFor();
      expect(await page.locator('.details').textContent()).toMatch(/^(upstream_failed|render_failed) /);
      expect(await card.getByRole('button', { name: 'Make slideshow' }).isVisible()).toBe(true);
      expect(await card.locator('progress').count()).toBe(0);
      rule.remove();
      await page.getByRole('button', { name: 'Try again' }).click();
      await card.getByRole('link', { name: 'Save slideshow, MP4' }).waitFor();
    });

    it('no connection is said, and the file is saved when it is back', async () => {
      const page = await site.visit();
      const card = await get(page, add().url);
      await page.waitForLoadState('networkidle');
      await page.context().setOffline(true);
      await card.getByRole('link', { name: 'Sound, MP3' }).click();
      await page.getByRole('heading', { name: en.errors.offline[0] }).waitFor();
      const coming = page.waitForEvent('download');
      await page.context().setOffline(false);
      expect((await coming).suggestedFilename()).toMatch(/\.mp3$/);
    });

    it('link_invalid is said, and the post stays', async () => {
      const page = await site.visit();
      const card = await get(page, add().url);
      await page.route('**/stream?**', (route) =>
        route.continue({ url: `${site.service.baseUrl}/stream?data=broken` }),
      );
      await card.getByRole('link', { name: 'Video, HD' }).click();
      await expectProblem(page, 'link_invalid');
      expect(await card.isVisible()).toBe(true);
    });

    it('upstream_failed is said, and a second try saves the file', async () => {
      const post = add();
      const page = await site.visit();
      const card = await get(page, post.url);
      await playable(page);
      await page.waitForLoadState('networkidle');
      const rule = site.standin.faults.add({ post: post.id, part: 'video' }, { kind: 'status', status: 500 });
      await card.getByRole('link', { name: 'Video, HD' }).click();
      await expectProblem(page, 'upstream_failed');
      // The player fails as well, which takes nothing away.
      const refused = page.waitForResponse((response) => response.status() === 502);
      await page.evaluate(`document.querySelector('video').dispatchEvent(new Event('error'))`);
      await refused;
      await page.evaluate('new Promise((done) => setTimeout(done, 100))');
      rule.remove();
      expect((await saved(page, page.getByRole('button', { name: 'Try again' }))).name).toContain(post.id);
    });

    it('not_a_photo_post is said of the slideshow of a video', async () => {
      const post = site.standin.posts.add(photoPost());
      const wrong = made('download-slideshow', add(), { kind: 'slideshow' }, Date.now() + 60_000);
      const page = await site.visit();
      const card = await get(page, post.url);
      await page.route('**/download-slideshow?**', (route) => route.continue({ url: wrong }));
      await card.getByRole('button', { name: 'Make slideshow' }).click();
      await expectProblem(page, 'not_a_photo_post');
      expect(await card.getByRole('button', { name: 'Make slideshow' }).isVisible()).toBe(true);
    });

    it('render_failed offers another try, which makes the film', async () => {
      const page = await site.visit();
      const card = await get(page, site.standin.posts.add(photoPost()).url);
      await page.route('**/download-slideshow?**', (route) => refuse(route, 'render_failed'), { times: 1 });
      await card.getByRole('button', { name: 'Make slideshow' }).click();
      await expectProblem(page, 'render_failed');
      await page.getByRole('button', { name: 'Try again' }).click();
      await card.getByRole('link', { name: 'Save slideshow, MP4' }).waitFor();
    });

    it('busy counts down and saves by itself', async () => {
      const page = await site.visit();
      const card = await get(page, add().url);
      await page.route('**/download?**', (route) => refuse(route, 'busy', 1), { times: 1 });
      const coming = page.waitForEvent('download');
      await card.getByRole('link', { name: 'Sound, MP3' }).click();
      await expectProblem(page, 'busy');
      expect((await coming).suggestedFilename()).toMatch(/\.mp3$/);
    });
  });
});

import { describe, expect } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import en from '../../src/web/lang/en.ts';
import { LANGUAGES } from '../../src/web/languages.ts';
import { type Service, startService } from '../helpers/service.ts';
import { scenario, videoPost } from '../helpers/standin/index.ts';
import { CHROMIUM, DESKTOP, SMALL_PHONE } from './browser.ts';
import { CODES, COUNTING, expectProblem, refuse } from './problem.ts';
import { get, PATIENCE, it as shared, type Visit, visitor } from './site.ts';

/** A service of its own: refused posts make it skip TikTok's page for a while. */
const it = shared
  .extend('own', { scope: 'file' }, async ({ site }, { onCleanup }): Promise<Service> => {
    const service = await startService(site.standin, { MAX_WORKERS: '1' });
    onCleanup(async () => {
      await service.stop();
    });
    return service;
  })
  .extend('visitOwn', async ({ site, own }, { onCleanup }): Promise<Visit> => {
    const complaints: string[] = [];
    const { visit, leave } = visitor(site.browser, own, complaints);
    onCleanup(async () => {
      await leave();
      expect(complaints).toEqual([]);
    });
    return visit;
  });

describe.skipIf(!CHROMIUM)('a failure on the page', { concurrent: true }, () => {
  it.for([
    ['a small phone', SMALL_PHONE],
    ['a desktop', DESKTOP],
  ] as const)(
    'has words, a next step and its request id for each code, on %s',
    async ([, size], { visit }) => {
      const page = await visit('/', size);
      for (const code of CODES) {
        await page.route('**/tiktok', (route) => refuse(route, code), { times: 1 });
        await get(page, 'https://www.tiktok.com/@someone/video/1');
        await expectProblem(page, code);
        expect(await page.locator('.details').textContent()).toBe(`${code} · request-4711`);
        expect(await page.locator('article.result').count()).toBe(0);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(size.viewport?.width);
      }
    },
  );

  /** languages.test.ts has the texts of all codes; here the longest has to fit. */
  it.for(Object.entries(LANGUAGES))('fits a small phone in %s', async ([locale, { load }], { visit }) => {
    const words = (await load()).default;
    const length = (code: ErrorCode) => words.errors[code].join().length;
    const longest = CODES.reduce((one, other) => (length(other) > length(one) ? other : one));
    const page = await visit('/', { ...SMALL_PHONE, locale });
    for (const code of [longest, 'busy'] as const) {
      await page.route('**/tiktok', (route) => refuse(route, code), { times: 1 });
      await get(page, 'https://www.tiktok.com/@someone/video/1');
      await expectProblem(page, code, words);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
    }
  });

  it('shows what the service finds wrong with a link or a post', async ({ visit }) => {
    const wrong: [ErrorCode, string][] = [
      ['unsupported_url', 'https://example.com/a/cat'],
      ['invalid_request', `${'x'.repeat(5000)}`],
      ['post_not_found', scenario("status 10204 item doesn't exist").url],
      ['post_private', scenario('status 10222').url],
      ['login_required', scenario('age gate').url],
      ['region_blocked', scenario('status 10231').url],
    ];
    await Promise.all(
      wrong.map(async ([code, link]) => {
        // By address and not through the field, which takes no text as long as this.
        const page = await visit(`/?url=${encodeURIComponent(link)}`);
        await expectProblem(page, code);
      }),
    );
  });

  it('shows that TikTok blocks the service', async ({ visitOwn }) => {
    const page = await visitOwn();
    await get(page, scenario('HTTP 403').url);
    await expectProblem(page, 'ip_blocked');
  });

  it.for(COUNTING)('%s counts down and retries by itself', async (code, { site, visit, expect }) => {
    const page = await visit();
    await page.clock.install();
    let asked = 0;
    await page.route('**/tiktok', (route) => {
      asked += 1;
      return asked > 2 ? route.continue() : refuse(route, code, asked === 1 ? 2 : 1);
    });
    await get(page, site.add(videoPost()).url);
    const waits = (seconds: number) =>
      page.locator('.countdown', { hasText: `Trying again in ${seconds} s` }).waitFor();
    await waits(2);
    await page.clock.fastForward(1100);
    await waits(1);
    await page.clock.fastForward(1000);
    // The page's clock goes on by itself as well.
    await expect.poll(() => asked, PATIENCE).toBeGreaterThanOrEqual(2);
    await page.clock.fastForward(1300);
    await page.locator('article.result').waitFor();
    expect(asked).toBe(3);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('doubles its wait where the service names no time', async ({ site, visit }) => {
    const page = await visit();
    await page.clock.install();
    await page.route('**/tiktok', (route) => refuse(route, 'busy'));
    await get(page, site.add(videoPost()).url);
    const clock = page.locator('.countdown span');
    for (const seconds of [5, 10, 20, 40]) {
      await page.locator('.countdown', { hasText: `in ${seconds} s` }).waitFor();
      await page.clock.fastForward(seconds * 1000 + 300);
    }
    expect(await clock.textContent()).toMatch(/in (79|80) s/);
  });

  it('stops trying, or tries at once, when told to', async ({ site, visit }) => {
    const page = await visit();
    await page.clock.install();
    let asked = 0;
    await page.route('**/tiktok', (route) => {
      asked += 1;
      return asked > 1 ? route.continue() : refuse(route, 'busy', 1);
    });
    await get(page, site.add(videoPost()).url);
    await page.getByRole('button', { name: 'Stop trying' }).click();
    expect(await page.locator('.countdown').count()).toBe(0);
    await page.clock.fastForward(1500);
    expect(asked).toBe(1);
    await page.getByRole('button', { name: 'Try again' }).press('Enter');
    await page.locator('article.result').waitFor();
  });

  it('gives up a retry when another post is requested', async ({ site, visit }) => {
    const page = await visit();
    await page.clock.install();
    await page.route('**/tiktok', (route) => refuse(route, 'busy', 1), { times: 1 });
    await get(page, scenario('HTTP 500').url);
    const post = site.add(videoPost());
    await page.locator('#link').fill(post.url);
    await page.locator('#link').press('Enter');
    await page.locator('article.result').waitFor();
    await page.clock.fastForward(1500);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('offers the original only where it is a post', async ({ site, visit }) => {
    const page = await visit();
    await page.route('**/tiktok', (route) => refuse(route, 'post_private'));
    await get(page, `https://evil.example/tiktok.com ${site.add(videoPost()).url}`);
    expect(await page.getByRole('link', { name: 'View original' }).getAttribute('href')).toMatch(
      /^https:\/\/www\.tiktok\.com\//,
    );
    await get(page, 'https://evil.example/@a/video/1?https://www.tiktok.com/');
    expect(await page.getByRole('link', { name: 'View original' }).count()).toBe(0);
  });

  it('goes back to the field for another link', async ({ visit }) => {
    const page = await visit();
    await get(page, 'nonsense');
    await page.getByRole('button', { name: 'Try another link' }).press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('link');
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('says that the server is unreachable where only a proxy answers, and retries', async ({
    site,
    visit,
  }) => {
    const page = await visit();
    await page.clock.install();
    const answer = { status: 502, body: '<html>Bad Gateway</html>' };
    await page.route('**/tiktok', (route) => route.fulfill(answer), { times: 1 });
    await get(page, site.add(videoPost()).url);
    await page.getByRole('heading', { name: en.errors.unreachable[0] }).waitFor();
    await page.locator('.countdown', { hasText: 'in 5 s' }).waitFor();
    await page.clock.fastForward(5500);
    await page.locator('article.result').waitFor();
  });

  it('tells a long wait in minutes, and says when it has stopped', async ({ visit }) => {
    const page = await visit();
    await page.route('**/tiktok', (route) => refuse(route, 'rate_limited', 4000));
    await get(page, 'https://www.tiktok.com/@someone/video/1');
    await page.locator('.countdown', { hasText: 'Trying again in 67 min' }).waitFor();
    await page.getByRole('button', { name: 'Stop trying' }).click();
    expect(await page.getByRole('alert').textContent()).toContain(en.stopped);
  });

  it('speaks of Douyin where the link leads there', async ({ visit }) => {
    const page = await visit();
    await page.route('**/tiktok', (route) => refuse(route, 'login_required'), { times: 1 });
    await get(page, 'https://v.douyin.com/abc/');
    await page.getByRole('heading', { name: en.errors.douyin_login[0] }).waitFor();
    await page.route('**/tiktok', (route) => refuse(route, 'upstream_failed'), { times: 1 });
    await get(page, 'https://v.douyin.com/abcd/');
    await page.getByRole('heading', { name: 'Douyin had an error' }).waitFor();
  });

  it('is said to be the connection where a portal or a proxy answers', async ({ visit }) => {
    const page = await visit();
    const portals = [
      { status: 200, contentType: 'text/html', body: '<html>Welcome to our Wi-Fi</html>' },
      { status: 403, contentType: 'text/html', body: 'Forbidden' },
      { status: 413, body: 'Too large' },
    ];
    for (const [index, answer] of portals.entries()) {
      await page.route('**/tiktok', (route) => route.fulfill(answer), { times: 1 });
      await get(page, `https://www.tiktok.com/@someone/video/${index + 1}`);
      await page.getByRole('heading', { name: en.errors.unreachable[0] }).waitFor();
    }
  });

  it('keeps the focus of the keyboard when a retry fails or works', async ({ site, visit, expect }) => {
    const page = await visit();
    const post = site.add(videoPost());
    const focused = () => page.evaluate<string>('document.activeElement.textContent');
    await page.route('**/tiktok', (route) => refuse(route, 'upstream_failed'), { times: 2 });
    await get(page, post.url);
    await page.getByRole('button', { name: 'Try again' }).press('Enter');
    await expect.poll(focused, PATIENCE).toBe('Try again');
    await page.keyboard.press('Enter');
    await page.locator('article.result').waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('result-title');
  });

  it('can be copied without https', async ({ visit }) => {
    const page = await visit();
    await page.route('**/tiktok', (route) => refuse(route, 'extractor_outdated'), { times: 1 });
    await get(page, 'https://www.tiktok.com/@someone/video/1');
    await page.evaluate(`Object.defineProperty(navigator, 'clipboard', { value: undefined })`);
    await page.getByRole('button', { name: 'Copy details' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await page.evaluate('getSelection().toString()')).toBe('extractor_outdated · request-4711');
  });
});

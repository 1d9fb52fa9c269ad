import type { Page } from 'playwright-core';
import { describe, expect, vi } from 'vitest';
import { Links, TokenSealer } from '../../src/links/index.ts';
import type { Asset } from '../../src/posts/asset.ts';
import en from '../../src/web/lang/en.ts';
import { KEY } from '../helpers/service.ts';
import { photoPost, type StandinPost, TYPICAL_RENDITIONS, videoPost } from '../helpers/standin/index.ts';
import { CHROMIUM, PHONE } from './browser.ts';
import { expectProblem, refuse } from './problem.ts';
import { get, it, PATIENCE, saved } from './site.ts';

describe.skipIf(!CHROMIUM)('a file that fails on the page', { concurrent: true }, () => {
  const made = (
    baseUrl: string,
    route: 'download' | 'stream' | 'download-slideshow',
    post: StandinPost,
    asset: Asset,
    at: number,
  ) =>
    new Links(new TokenSealer(KEY), baseUrl, 0).make(
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
      await vi.waitFor(() => expect(left).toBeLessThanOrEqual(0), PATIENCE);
      // The page has to see what the test has seen.
      await page.evaluate('new Promise((done) => setTimeout(done, 50))');
      renewed = true;
      await route.continue();
    });
    return { renewals: () => renewals };
  }

  const playable = (page: Page) =>
    vi.waitFor(async () => {
      const state = await page.evaluate<number>('document.querySelector("video").readyState');
      expect(state).toBeGreaterThan(0);
    }, PATIENCE);

  it('with link_expired is saved with links of a new request', async ({ site, visit }) => {
    const post = site.add(videoPost());
    const page = await visit();
    const card = await get(page, post.url);
    const expired = made(
      site.service.baseUrl,
      'download',
      post,
      { kind: 'sound', of: 'track', format: 'mp3' },
      Date.now() - 1000,
    );
    const { renewals } = await age(page, 'download', expired);
    const file = await saved(page, card.getByRole('link', { name: 'Sound, MP3' }));
    expect(file.name).toMatch(/\.mp3$/);
    expect([renewals(), await page.getByRole('alert').count()]).toEqual([1, 0]);
    expect(await page.evaluate('document.activeElement.textContent')).toContain('Sound, MP3');
  });

  it('with link_expired is saved from the photo viewer with links of a new request', async ({
    site,
    visit,
  }) => {
    const post = site.add(photoPost());
    const page = await visit();
    await get(page, post.url);
    await page.getByRole('button', { name: 'View photo 2' }).click();
    await page.locator('.stage img').evaluate((image) => (image as unknown as { decode(): void }).decode());
    await age(
      page,
      'download',
      made(
        site.service.baseUrl,
        'download',
        post,
        { kind: 'sound', of: 'track', format: 'mp3' },
        Date.now() - 1000,
      ),
    );
    const file = await saved(page, page.getByRole('link', { name: 'Save photo 2' }));
    expect(file.name).toMatch(/_02\.jpg$/);
  });

  it('with link_expired is a slideshow again with links of a new request', async ({ site, visit }) => {
    const post = site.add(photoPost());
    const page = await visit();
    const card = await get(page, post.url);
    const expired = made(
      site.service.baseUrl,
      'download-slideshow',
      post,
      { kind: 'slideshow' },
      Date.now() - 1000,
    );
    const { renewals } = await age(page, 'download-slideshow', expired);
    await card.getByRole('button', { name: 'Make slideshow' }).click();
    await card.getByRole('link', { name: 'Save slideshow, MP4' }).waitFor();
    expect(renewals()).toBe(1);
  });

  it('with link_expired or link_invalid plays on where it was', async ({ site, visit, expect }) => {
    const page = await visit();
    await get(page, site.add(videoPost()).url);
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

  it('with link_expired is reported where new links do not help', async ({ site, visit }) => {
    const post = site.add(videoPost());
    const page = await visit();
    const card = await get(page, post.url);
    const expired = made(
      site.service.baseUrl,
      'download',
      post,
      { kind: 'sound', of: 'track', format: 'mp3' },
      Date.now() - 1000,
    );
    await page.route('**/download?**', (route) => route.continue({ url: expired }));
    await card.getByRole('link', { name: 'Sound, MP3' }).click();
    await expectProblem(page, 'link_expired');
    await page.unroute('**/download?**');
    await page.getByRole('button', { name: 'Get the post again' }).click();
    await page.getByRole('alert').waitFor({ state: 'detached' });
    await page.locator('article.result').waitFor();
    expect((await saved(page, page.getByRole('link', { name: 'Sound, MP3' }))).bytes.length).toBeGreaterThan(
      0,
    );
  });

  it('is reported, and the card stays, where the post is gone at the renewal', async ({ site, visit }) => {
    const post = site.add(videoPost());
    const page = await visit();
    const card = await get(page, post.url);
    const expired = made(
      site.service.baseUrl,
      'download',
      post,
      { kind: 'sound', of: 'track', format: 'mp3' },
      Date.now() - 1000,
    );
    await page.route('**/download?**', (route) => route.continue({ url: expired }));
    await page.route('**/tiktok', (route) => refuse(route, 'post_not_found'));
    await card.getByRole('link', { name: 'Sound, MP3' }).click();
    await page.getByRole('heading', { name: en.errors.post_not_found[0] }).waitFor();
    expect(await card.isVisible()).toBe(true);
  });

  it('is reported by the player, which plays after a retry', async ({ site, visit }) => {
    const post = site.add(videoPost());
    const rule = site.standin.faults.add({ post: post.id, part: 'video' }, { kind: 'status', status: 500 });
    const page = await visit();
    await get(page, post.url);
    await expectProblem(page, 'upstream_failed');
    rule.remove();
    await page.getByRole('button', { name: 'Try again' }).click();
    await playable(page);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('is reported by a slideshow that breaks midway, which a retry makes', async ({ site, visit }) => {
    const post = site.add(photoPost({ photos: 6 }));
    const page = await visit();
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

  it('offline is saved when the connection is back', async ({ site, visit }) => {
    const page = await visit();
    const card = await get(page, site.add(videoPost()).url);
    await page.waitForLoadState('networkidle');
    await page.context().setOffline(true);
    await card.getByRole('link', { name: 'Sound, MP3' }).click();
    await page.getByRole('heading', { name: en.errors.offline[0] }).waitFor();
    const coming = page.waitForEvent('download');
    await page.context().setOffline(false);
    expect((await coming).suggestedFilename()).toMatch(/\.mp3$/);
  });

  it('with link_invalid is reported, and the post stays', async ({ site, visit }) => {
    const page = await visit();
    const card = await get(page, site.add(videoPost({ renditions: TYPICAL_RENDITIONS })).url);
    await page.route('**/stream?**', (route) =>
      route.continue({ url: `${site.service.baseUrl}/stream?data=broken` }),
    );
    await card.getByRole('link', { name: 'Video, HD' }).click();
    await expectProblem(page, 'link_invalid');
    expect(await card.isVisible()).toBe(true);
  });

  it('with upstream_failed is saved by a retry', async ({ site, visit }) => {
    const post = site.add(videoPost({ renditions: TYPICAL_RENDITIONS }));
    const page = await visit();
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

  it('brings its button back into view for a retry', async ({ site, visit }) => {
    const page = await visit('/', { ...PHONE, viewport: { width: 390, height: 600 } });
    const card = await get(page, site.add(videoPost()).url);
    await page.route('**/download?**', (route) => refuse(route, 'upstream_failed'), { times: 1 });
    const button = card.getByRole('link', { name: 'Spanish' });
    await button.click();
    await expectProblem(page, 'upstream_failed');
    const file = await saved(page, page.getByRole('button', { name: 'Try again' }));
    expect(file.name).toMatch(/\.vtt$/);
    const top = (await button.boundingBox())?.y ?? -1;
    expect(top).toBeGreaterThanOrEqual(0);
    expect(top).toBeLessThan(600);
  });

  it('with not_a_photo_post is reported for the slideshow of a video', async ({ site, visit }) => {
    const post = site.add(photoPost());
    const wrong = made(
      site.service.baseUrl,
      'download-slideshow',
      site.add(videoPost()),
      { kind: 'slideshow' },
      Date.now() + 60_000,
    );
    const page = await visit();
    const card = await get(page, post.url);
    await page.route('**/download-slideshow?**', (route) => route.continue({ url: wrong }));
    await card.getByRole('button', { name: 'Make slideshow' }).click();
    await expectProblem(page, 'not_a_photo_post');
    expect(await card.getByRole('button', { name: 'Make slideshow' }).isVisible()).toBe(true);
  });

  it('with render_failed is made by a retry', async ({ site, visit }) => {
    const page = await visit();
    const card = await get(page, site.add(photoPost()).url);
    await page.route('**/download-slideshow?**', (route) => refuse(route, 'render_failed'), { times: 1 });
    await card.getByRole('button', { name: 'Make slideshow' }).click();
    await expectProblem(page, 'render_failed');
    await page.getByRole('button', { name: 'Try again' }).click();
    await card.getByRole('link', { name: 'Save slideshow, MP4' }).waitFor();
  });

  it('with busy counts down and is saved by itself', async ({ site, visit }) => {
    const page = await visit();
    const card = await get(page, site.add(videoPost()).url);
    await page.route('**/download?**', (route) => refuse(route, 'busy', 1), { times: 1 });
    const coming = page.waitForEvent('download');
    await card.getByRole('link', { name: 'Sound, MP3' }).click();
    await expectProblem(page, 'busy');
    expect((await coming).suggestedFilename()).toMatch(/\.mp3$/);
  });
});

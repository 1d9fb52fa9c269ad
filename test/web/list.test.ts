import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import en from '../../src/web/lang/en.ts';
import { photoPost, scenario, videoPost } from '../helpers/standin/index.ts';
import { CHROMIUM, PHONE, SIZES } from './browser.ts';
import { refuse } from './problem.ts';
import { downloads, it, PATIENCE, playShareSheet, sha256, shared } from './site.ts';

describe.skipIf(!CHROMIUM)('several links on the page', { concurrent: true }, () => {
  const named = (desc: string) => videoPost({ user: 'some.one', desc });

  /** Pastes into the empty field, as Ctrl+V does. */
  const paste = (page: Page, text: string) =>
    page.evaluate(`{
      const clipboardData = new DataTransfer();
      clipboardData.setData('text', ${JSON.stringify(text)});
      document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    }`);

  const heading = (page: Page, ready: number, all: number) =>
    page.getByRole('heading', { name: `${ready} of ${all} posts ready` }).waitFor();

  it.for(SIZES)(
    'are a list in their order, and what is wrong stands beside its link, on %s',
    async ([, size], { site, visit }) => {
      const [first, second] = [site.add(named('The first')), site.add(photoPost({ desc: 'The second' }))];
      const gone = scenario('status 10222').url;
      const page = await visit('/', size);
      await paste(page, `${first.url}\n${gone}\n\nhttps://www.tiktok.com/tiktoklite\n${second.url}`);
      await heading(page, 2, 3);
      const rows = page.locator('.list li');
      expect(await rows.locator('b[dir=auto]').allTextContents()).toEqual(['The first', 'The second']);
      const wrong = rows.nth(1);
      expect(await wrong.textContent()).toContain(gone);
      await wrong.getByRole('heading', { name: en.errors.post_private[0] }).waitFor();
      expect(await wrong.getByRole('button').count()).toBe(0);
      expect(await wrong.getByRole('link', { name: 'View original' }).getAttribute('href')).toBe(gone);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(size.viewport?.width);
      expect(await page.evaluate('document.activeElement.id')).toBe('result-title');
      await page.reload();
      await heading(page, 2, 3);
    },
  );

  it('are all saved one after the other, byte for byte, past one that fails', async ({
    site,
    visit,
    expect,
  }) => {
    const posts = ['One', 'Two', 'Three'].map((desc) => site.add(named(desc)));
    const page = await visit();
    await paste(page, posts.map(({ url }) => url).join(' '));
    await heading(page, 3, 3);
    const rule = site.standin.faults.add(
      { post: posts[1]?.id ?? '', part: 'video' },
      { kind: 'status', status: 500 },
    );
    const files = downloads(page);
    await page.getByRole('button', { name: 'Save all (3)' }).click();
    const failed = page.locator('.list li').nth(1);
    await failed.getByRole('alert').waitFor();
    await expect.poll(() => files.length, PATIENCE).toBe(2);
    rule.remove();
    await failed.getByRole('button', { name: 'Try again' }).click();
    await expect.poll(() => files.length, PATIENCE).toBe(3);
    const saved = await Promise.all(files.map(async (file) => sha256(await readFile(await file.path()))));
    const truth = posts.map((post) => site.standin.media.sha256({ post, part: 'video', index: 2 }));
    expect(saved).toEqual([truth[0], truth[2], truth[1]]);
    await expect.poll(() => page.getByText(`✓ ${en.started}`).count(), PATIENCE).toBe(3);
    expect(await failed.getByRole('alert').count()).toBe(0);
  });

  it('are handed to the share sheet at once', async ({ site, visit }) => {
    const video = site.add(named('A video'));
    const photos = site.add(photoPost({ photos: 2 }));
    const page = await visit('/', PHONE);
    await playShareSheet(page, 'takes');
    await paste(page, `${video.url} ${photos.url}`);
    await heading(page, 2, 2);
    await page.getByRole('button', { name: 'Save all (2)' }).click();
    expect((await shared(page)).map((file) => file.sha256)).toEqual([
      site.standin.media.sha256({ post: video, part: 'video', index: 2 }),
      ...[0, 1].map((index) => site.standin.media.sha256({ post: photos, part: 'photo', index })),
    ]);
  });

  it('are retried where that may help, by hand and by themselves', async ({ site, visit }) => {
    const post = site.add(named('At last'));
    const page = await visit();
    const answers = (['upstream_failed', 'busy'] as const).values();
    await page.route('**/tiktok', (route) => {
      if (!route.request().postData()?.includes(post.id)) return route.continue();
      const { value: code } = answers.next();
      return code ? refuse(route, code, 1) : route.continue();
    });
    await paste(page, `${post.url} ${site.add(named('At once')).url}`);
    await heading(page, 1, 2);
    await page.getByRole('button', { name: 'Try again' }).click();
    await heading(page, 2, 2);
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('open one by one, and the way back leads to the list without a request', async ({ site, visit }) => {
    const page = await visit();
    await paste(page, `${site.add(named('One')).url} ${site.add(named('Two')).url}`);
    await heading(page, 2, 2);
    await page.locator('.list').getByRole('button', { name: 'Two @some.one' }).click();
    await page.locator('article.result .caption', { hasText: 'Two' }).waitFor();
    let asked = 0;
    await page.route('**/tiktok', (route) => {
      asked += 1;
      return route.continue();
    });
    await page.goBack();
    await heading(page, 2, 2);
    expect(asked).toBe(0);
  });

  it('are three requests at a time, 20 at most, and given up by Escape', async ({ visit, expect }) => {
    const page = await visit();
    let asked = 0;
    await page.route('**/tiktok', () => {
      asked += 1;
    });
    const links = Array.from({ length: 23 }, (_, index) => `https://www.tiktok.com/@x/video/${index + 1}`);
    await paste(page, links.join(' '));
    await page.getByText('Only the first 20 of 23 links are read.').waitFor();
    expect(await page.locator('.list li').count()).toBe(20);
    await expect.poll(() => asked, PATIENCE).toBe(3);
    await page.keyboard.press('Escape');
    await page.locator('.list').waitFor({ state: 'detached' });
    expect(asked).toBe(3);
  });
});

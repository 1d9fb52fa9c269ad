import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { photoPost, TYPICAL_RENDITIONS, videoPost } from '../helpers/standin/index.ts';
import { CHROMIUM, DESKTOP, PHONE } from './browser.ts';
import { get, it, PATIENCE, playShareSheet, saved, shared } from './site.ts';

/** Plays a page that was opened from the home screen; the targets of what it clicks are in window.clicks. */
async function install(page: Page): Promise<void> {
  await page.addInitScript(`Object.defineProperty(navigator, 'standalone', { value: true });`);
  await page.reload();
  await page.locator('html[data-ready]').waitFor();
  await page.evaluate(`{
    window.clicks = [];
    HTMLAnchorElement.prototype.click = function () { window.clicks.push(this.target); };
  }`);
}

describe.skipIf(!CHROMIUM)('the share sheet', { concurrent: true }, () => {
  it.for([['takes'], ['aborts'], ['wants another tap']] as const)(
    'that %s gets the video, byte for byte',
    async ([behaviour], { site, visit }) => {
      const post = site.add(videoPost({ user: 'some.one' }));
      const page = await visit('/', PHONE);
      await playShareSheet(page, behaviour);
      const card = await get(page, post.url);
      const button = card.getByRole('button', { name: 'Save video' });
      expect(await button.getAttribute('class')).toBe('primary');
      await button.click();
      if (behaviour !== 'takes') {
        await card.getByRole('button', { name: 'Ready. Tap to save.' }).click();
      }
      const [file] = await shared(page);
      expect(file).toEqual({
        name: expect.stringMatching(new RegExp(`^some\\.one_${post.id}.*\\.mp4$`)),
        type: 'video/mp4',
        sha256: site.standin.media.sha256({ post, part: 'video', index: 2 }),
      });
      await card.getByRole('button', { name: 'Save video saved' }).waitFor();
      expect(await page.getByRole('alert').count()).toBe(0);
    },
  );

  it('that refuses the file is replaced by a download', async ({ site, visit }) => {
    const page = await visit('/', PHONE);
    await playShareSheet(page, 'refuses');
    const card = await get(page, site.add(videoPost()).url);
    await card.getByRole('button', { name: 'Save video' }).click();
    const file = await saved(page, card.getByRole('button', { name: 'Ready. Tap to save.' }));
    expect(file.name).toMatch(/\.mp4$/);
  });

  it('gets all photos of a post at once, or the selected ones', async ({ site, visit }) => {
    const post = site.add(photoPost({ user: 'hill.walks', photos: 6 }));
    const truth = (index: number) => site.standin.media.sha256({ post, part: 'photo', index });
    const page = await visit('/', PHONE);
    await playShareSheet(page, 'takes');
    const card = await get(page, post.url);
    await card.getByRole('button', { name: 'Save 6 photos' }).click();
    const all = await shared(page);
    expect(all.map((file) => file.sha256)).toEqual([0, 1, 2, 3, 4, 5].map(truth));
    expect(all.map(({ name, type }) => [name, type])[5]).toEqual([
      `hill.walks_${post.id}_06.jpg`,
      'image/jpeg',
    ]);
    expect(await card.locator('.saved').count()).toBe(6);
    await card.getByRole('button', { name: 'Select photos' }).click();
    for (const n of [1, 4]) await card.getByRole('button', { name: `Select photo ${n}, saved` }).click();
    await page.evaluate('{ window.shared = []; }');
    await card.getByRole('button', { name: 'Save selected (2)' }).click();
    expect((await shared(page)).map((file) => file.sha256)).toEqual([truth(0), truth(3)]);
  });

  it('shows the progress of the file, and says when the connection breaks', async ({ site, visit }) => {
    const post = site.add(videoPost());
    const page = await visit('/', PHONE);
    await playShareSheet(page, 'takes');
    const card = await get(page, post.url);
    await page.waitForLoadState('networkidle');
    await page.evaluate(`{
      const real = window.fetch;
      window.fetch = async (...given) => {
        window.fetch = real;
        const response = await real(...given);
        const bytes = await response.arrayBuffer();
        const parts = new ReadableStream({
          start(controller) {
            controller.enqueue(new Uint8Array(bytes.slice(0, bytes.byteLength / 2)));
            window.finish = () => controller.error(new TypeError('network error'));
          },
        });
        return new Response(parts, { headers: response.headers });
      };
    }`);
    await card.getByRole('button', { name: 'Save video' }).click();
    await card.getByRole('button', { name: /Loading… (49|50) ?%/ }).waitFor();
    await page.evaluate('window.finish()');
    await page.getByRole('alert').waitFor();
    await page.getByRole('button', { name: 'Try now' }).click();
    expect((await shared(page)).length).toBe(1);
  });

  it.for([
    [
      'Android',
      'Mozilla/5.0 (Linux; Android 15; Pixel 9)',
      'to your photos or an app',
      'to your photos or an app',
    ],
    [
      'an iPhone',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X)',
      'then “Save Video”',
      'then “Save 3 Images”',
    ],
  ] as const)('says on %s where the files go', async ([, userAgent, video, images], { site, visit }) => {
    const page = await visit('/', { ...PHONE, userAgent });
    await playShareSheet(page, 'takes');
    const first = await get(page, site.add(videoPost()).url);
    expect(await first.getByRole('button', { name: 'Save video' }).textContent()).toContain(video);
    const second = await get(page, site.add(photoPost({ photos: 3 })).url);
    expect(await second.getByRole('button', { name: 'Save 3 photos' }).textContent()).toContain(images);
    // Download stays beside it.
    expect(await second.getByRole('link', { name: 'All photos, ZIP' }).isVisible()).toBe(true);
  });

  it('is not offered for a file that is too large for the memory of a phone', async ({ site, visit }) => {
    const page = await visit('/', PHONE);
    await playShareSheet(page, 'takes');
    await page.route('**/tiktok', async (route) => {
      const response = await route.fetch();
      const body = (await response.json()) as { formats: { size: number | null }[] };
      for (const one of body.formats) one.size = 151e6;
      await route.fulfill({ json: body });
    });
    const card = await get(page, site.add(videoPost()).url);
    expect(await card.getByRole('button', { name: 'Save video' }).count()).toBe(0);
    expect(await card.locator('.saves .primary').textContent()).toContain('Video');
  });

  it('is not offered on a desktop, nor where it takes no files', async ({ site, visit }) => {
    const desktop = await visit('/', DESKTOP);
    await playShareSheet(desktop, 'takes');
    const post = site.add(videoPost({ renditions: TYPICAL_RENDITIONS }));
    expect(await (await get(desktop, post.url)).getByRole('button', { name: 'Save video' }).count()).toBe(0);
    const phone = await visit('/', PHONE);
    await phone.evaluate('{ navigator.canShare = () => false; }');
    const card = await get(phone, post.url);
    expect(await card.getByRole('button', { name: 'Save video' }).count()).toBe(0);
    expect(await card.locator('.saves .primary').textContent()).toContain('Video, HD');
  });

  it('lets no button of a page on the home screen navigate it away', async ({ site, visit, expect }) => {
    const page = await visit('/', PHONE);
    await install(page);
    const card = await get(page, site.add(videoPost({ renditions: TYPICAL_RENDITIONS })).url);
    const address = page.url();
    for (const name of ['Video, HD', 'Sound, MP3', 'Spanish']) {
      await card.getByRole('link', { name }).first().click();
    }
    await expect.poll(() => page.evaluate('window.clicks'), PATIENCE).toEqual(['_blank', '_blank', '_blank']);
    expect(page.url()).toBe(address);
    expect(await page.locator('#docs').getAttribute('target')).toBe('_blank');
    expect(await card.getByRole('link', { name: 'View original' }).getAttribute('target')).toBe('_blank');
    const photos = await get(page, site.add(photoPost({ photos: 2 })).url);
    await photos.getByRole('link', { name: 'All photos, ZIP' }).click();
    await photos.getByRole('button', { name: 'View photo 1' }).click();
    await page.getByRole('link', { name: 'Save photo 1' }).click();
    await expect.poll(() => page.evaluate('window.clicks.length'), PATIENCE).toBe(5);
    expect(await page.evaluate('new Set(window.clicks).size')).toBe(1);
  });

  it('asks for another tap where the file came late to a page on the home screen', async ({
    site,
    visit,
  }) => {
    const page = await visit('/', PHONE);
    await install(page);
    const card = await get(page, site.add(videoPost()).url);
    await page.evaluate(`Object.defineProperty(navigator, 'userActivation', { value: { isActive: false } })`);
    const button = card.getByRole('link', { name: 'Sound, MP3' });
    await button.click();
    await card.getByRole('link', { name: 'Ready. Tap to save.' }).waitFor();
    expect(await page.evaluate('window.clicks')).toEqual([]);
    await button.click();
    await card.getByRole('link', { name: 'Download started' }).waitFor();
    expect(await page.evaluate('window.clicks')).toEqual(['_blank']);
  });
});

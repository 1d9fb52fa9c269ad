import type { Page } from 'playwright-core';
import { describe, expect, vi } from 'vitest';
import { photoPost, TYPICAL_RENDITIONS, videoPost } from '../helpers/standin/index.ts';
import { CHROMIUM, DESKTOP, PHONE } from './browser.ts';
import { get, it, PATIENCE, saved, sha256 } from './site.ts';

type Behaviour = 'takes' | 'aborts' | 'wants another tap' | 'refuses';

/** Plays the share sheet of a phone: what it was given is in window.shared, as name, type and bytes. */
async function playShareSheet(page: Page, behaviour: Behaviour): Promise<void> {
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

async function shared(page: Page): Promise<{ name: string; type: string; sha256: string }[]> {
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
    await page.addInitScript(`Object.defineProperty(navigator, 'standalone', { value: true });`);
    await page.reload();
    await page.locator('html[data-ready]').waitFor();
    await page.evaluate(`{
      window.clicks = [];
      HTMLAnchorElement.prototype.click = function () { window.clicks.push(this.target); };
    }`);
    const card = await get(page, site.add(videoPost({ renditions: TYPICAL_RENDITIONS })).url);
    const address = page.url();
    for (const name of ['Video, HD', 'Sound, MP3', 'Spanish']) {
      await card.getByRole('link', { name }).first().click();
    }
    await expect.poll(() => page.evaluate('window.clicks'), PATIENCE).toEqual(['_blank', '_blank', '_blank']);
    expect(page.url()).toBe(address);
    expect(await page.locator('#docs').getAttribute('target')).toBe('_blank');
    expect(await card.getByRole('link', { name: 'View original' }).getAttribute('target')).toBe('_blank');
  });
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import sharp from 'sharp';
import { describe, expect } from 'vitest';
import { photoPost, type Standin, type StandinPost } from '../helpers/standin/index.ts';
import { CHROMIUM, PHONE } from './browser.ts';
import { downloads, get, it, PATIENCE, saved, sha256 } from './site.ts';

/** The files of an archive, by name. Python's zip is not the one that the service writes with. */
function unpack(zip: Buffer): Map<string, Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'unzip-'));
  try {
    writeFileSync(join(folder, 'photos.zip'), zip);
    execFileSync('python3', ['-m', 'zipfile', '-e', 'photos.zip', 'out'], { cwd: folder });
    const out = join(folder, 'out');
    return new Map(readdirSync(out).map((name) => [name, readFileSync(join(out, name))]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(!CHROMIUM)('a photo post on the page', { concurrent: true }, () => {
  const photos = (options: Parameters<typeof photoPost>[0] = {}) =>
    photoPost({ user: 'hill.walks', ...options });
  const widthOf = (image: Locator) =>
    image.evaluate((element) => (element as unknown as { naturalWidth: number }).naturalWidth);
  const truth = ({ media }: Standin, post: StandinPost, index: number) =>
    media.sha256({ post, part: 'photo', index });

  it('loads each photo from the service, small, also one that the browser cannot decode', async ({
    site,
    visit,
    expect,
  }) => {
    const page = await visit('/', PHONE);
    const card = await get(page, site.add(photos({ photos: ['portrait_1', 'heic', 'webp'] })).url);
    for (const index of [0, 1, 2]) {
      await expect.poll(() => widthOf(card.locator('.tile img').nth(index)), PATIENCE).toBe(320);
    }
    expect(await card.locator('.tile img').first().getAttribute('src')).toMatch(/^\.\/download\?data=/);
  });

  it('opens a photo large, by keyboard, and gives the focus back', async ({ site, visit }) => {
    const page = await visit('/', PHONE);
    await get(page, site.add(photos()).url);
    await page.getByRole('button', { name: 'View photo 1' }).focus();
    await page.keyboard.press('Enter');
    const viewer = page.getByRole('dialog');
    const title = viewer.locator('.viewer-title .sr');
    expect(await title.textContent()).toBe('Photo 1 of 3');
    await viewer.getByRole('link', { name: 'Save photo 1' }).focus();
    await page.keyboard.press('ArrowRight');
    expect(await title.textContent()).toBe('Photo 2 of 3');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    expect(await title.textContent()).toBe('Photo 3 of 3');
    await viewer.getByRole('button', { name: 'Next photo' }).click();
    expect(await title.textContent()).toBe('Photo 1 of 3');
    await page.keyboard.press('Escape');
    await viewer.waitFor({ state: 'hidden' });
    expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('View photo 1');
  });

  it('plays the clip of a live photo, and saves it', async ({ site, visit }) => {
    const page = await visit('/', { ...PHONE, reducedMotion: 'no-preference' });
    const post = site.add(photos({ platform: 'douyin', live: [0] }));
    await get(page, post.url);
    await page.getByRole('button', { name: 'View photo 1, Live photo 1' }).click();
    const viewer = page.getByRole('dialog');
    const playsH264 = await page.evaluate<boolean>(
      `document.createElement('video').canPlayType('video/mp4; codecs="avc1.64001f"') !== ''`,
    );
    const shown = `(() => {
      const video = document.querySelector('.stage video');
      if (video) return video.muted && video.loop && !video.paused && video.currentTime > 0 ? 'clip' : 'nothing yet';
      return document.querySelector('.stage img')?.naturalWidth > 0 ? 'still' : 'nothing yet';
    })()`;
    await expect.poll(() => page.evaluate(shown), PATIENCE).toBe(playsH264 ? 'clip' : 'still');
    const clip = await saved(page, viewer.getByRole('link', { name: 'Save clip 1' }));
    expect(sha256(clip.bytes)).toBe(site.standin.media.sha256({ post, part: 'live', index: 0 }));
    await viewer.getByRole('button', { name: 'Next photo' }).click();
    expect(await viewer.getByRole('link', { name: 'Save clip' }).count()).toBe(0);
  });

  it('turns over by mirrored arrow keys from right to left', async ({ site, visit }) => {
    const page = await visit('/', { locale: 'ar' });
    await get(page, site.add(photos()).url);
    await page.locator('.tile').first().click();
    const position = page.locator('.viewer-title [aria-hidden]');
    for (const [key, at] of [
      ['ArrowLeft', 2],
      ['ArrowRight', 1],
      ['ArrowRight', 3],
    ] as const) {
      await page.keyboard.press(key);
      expect(await position.textContent()).toBe(`${at} / 3`);
    }
  });

  it('turns over by a sideways swipe of one finger', async ({ site, visit }) => {
    const page = await visit('/', PHONE);
    await get(page, site.add(photos()).url);
    await page.getByRole('button', { name: 'View photo 1' }).click();
    const title = page.getByRole('dialog').locator('.viewer-title .sr');
    const swipe = (by: number, fingers = 1) =>
      page.evaluate(`{
        const stage = document.querySelector('.stage');
        const touches = (x) => Array.from({ length: ${fingers} }, (_, identifier) =>
          new Touch({ identifier, target: stage, clientX: x }));
        const tell = (type, x, touches) => stage.dispatchEvent(
          new TouchEvent(type, { touches, changedTouches: x, bubbles: true, cancelable: true }));
        tell('touchstart', touches(200), touches(200));
        tell('touchend', touches(200 + ${by}), touches(0).slice(1));
      }`);
    await swipe(-120);
    expect(await title.textContent()).toBe('Photo 2 of 3');
    await swipe(120);
    await swipe(20);
    await swipe(-120, 2);
    expect(await title.textContent()).toBe('Photo 1 of 3');
  });

  it('saves each photo, byte for byte what the CDN holds', async ({ site, visit }) => {
    const post = site.add(photos({ photos: ['portrait_1', 'webp', 'portrait_2'] }));
    const page = await visit('/', PHONE);
    await get(page, post.url);
    await page.getByRole('button', { name: 'View photo 1' }).click();
    for (const [index, ending] of ['jpg', 'webp', 'jpg'].entries()) {
      const file = await saved(
        page,
        page.getByRole('link', { name: `Save photo ${index + 1}`, exact: true }),
      );
      expect(file.name).toBe(`hill.walks_${post.id}_0${index + 1}.${ending}`);
      expect(sha256(file.bytes)).toBe(truth(site.standin, post, index));
      await page.getByRole('button', { name: 'Next photo' }).click();
    }
  });

  it('saves photos and ZIP as JPEG where they are something else, and shows that where the browser knows no HEIC', async ({
    site,
    visit,
    expect,
  }) => {
    const page = await visit();
    const only = await get(page, site.add(photos()).url);
    expect(await only.getByText('JPEG').count()).toBe(0);
    const post = site.add(photos({ photos: ['heic', 'portrait_1'] }));
    const card = await get(page, post.url);
    const zip = await saved(page, card.getByRole('link', { name: 'All photos, ZIP JPEG' }));
    const formats = [...unpack(zip.bytes)].map(async ([name, bytes]) => [
      name,
      (await sharp(bytes).metadata()).format,
    ]);
    expect((await Promise.all(formats)).sort()).toEqual([
      [`hill.walks_${post.id}_01.jpg`, 'jpeg'],
      [`hill.walks_${post.id}_02.jpg`, 'jpeg'],
    ]);
    await card.getByRole('button', { name: 'View photo 1' }).click();
    const viewer = page.getByRole('dialog');
    const shown = viewer.locator('.stage img');
    await expect.poll(() => shown.getAttribute('src'), PATIENCE).toMatch(/&as=jpg$/);
    await expect.poll(() => widthOf(shown), PATIENCE).toBe(1080);
    const file = await saved(page, viewer.getByRole('link', { name: 'Save photo 1 JPEG' }));
    expect(file.name).toBe(`hill.walks_${post.id}_01.jpg`);
    const { format, width, height } = await sharp(file.bytes).metadata();
    expect([format, width, height]).toEqual(['jpeg', 1080, 1440]);
    await viewer.getByRole('button', { name: 'Next photo' }).click();
    expect(await viewer.getByText('JPEG').count()).toBe(0);
  });

  it('says of a photo that the browser cannot decode that it can be saved', async ({ site, visit }) => {
    const post = site.add(photos({ photos: ['heic'] }));
    const page = await visit('/', PHONE);
    await page.route(/&(as|width)=/, (route) => route.fulfill({ status: 400 }));
    const card = await get(page, post.url);
    await card.getByText('No preview here').waitFor();
    await card.getByRole('button', { name: 'View photo 1' }).click();
    const file = await saved(page, page.getByRole('link', { name: 'Save photo 1', exact: true }));
    expect([sha256(file.bytes), file.name]).toEqual([
      truth(site.standin, post, 0),
      `hill.walks_${post.id}_01.heic`,
    ]);
  });

  it('folds more than 9 photos, and unfolds them', async ({ site, visit }) => {
    const page = await visit('/', PHONE);
    const card = await get(page, site.add(photos({ photos: 35 })).url);
    expect(await card.locator('.tile').count()).toBe(9);
    await card.getByRole('button', { name: 'Show all 35 photos' }).click();
    expect(await card.locator('.tile').count()).toBe(35);
    expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('View photo 10');
  });

  it('saves all photos as a ZIP, and the sound', async ({ site, visit }) => {
    const post = site.add(photos({ photos: 5 }));
    const page = await visit('/', PHONE);
    const card = await get(page, post.url);
    const zip = await saved(page, card.getByRole('link', { name: 'All photos, ZIP' }));
    expect(zip.name).toBe(`hill.walks_${post.id}.zip`);
    const files = [...unpack(zip.bytes)].sort(([a], [b]) => a.localeCompare(b));
    expect(files.map(([, bytes]) => sha256(bytes))).toEqual(
      [0, 1, 2, 3, 4].map((index) => truth(site.standin, post, index)),
    );
    const sound = await saved(page, card.getByRole('link', { name: 'Sound, MP3' }));
    expect(sound.name).toBe(`hill.walks_${post.id}.mp3`);
  });

  it('has no sound button where the post has no sound', async ({ site, visit }) => {
    const page = await visit('/', PHONE);
    const card = await get(page, site.add(photos({ music: null })).url);
    expect(await card.locator('.saves b').allTextContents()).toEqual(['All photos, ZIP']);
  });

  it('makes a slideshow with progress, a player that seeks, and a file', async ({ site, visit }) => {
    const post = site.add(photos({ photos: 8 }));
    const page = await visit('/', PHONE);
    const card = await get(page, post.url);
    // What the bar and its words show, from before the first event on.
    await page.evaluate(`
      window.seen = [];
      new MutationObserver(() => {
        const bar = document.querySelector('.progress progress');
        if (bar) window.seen.push([document.querySelector('.progress [role=status]').textContent, bar.value]);
      }).observe(document.querySelector('.slideshow-body'), { subtree: true, childList: true, attributes: true, characterData: true });
    `);
    await card.getByRole('button', { name: 'Make slideshow' }).click();
    const save = card.getByRole('link', { name: 'Save slideshow, MP4' });
    await save.waitFor();
    const seen = await page.evaluate<[string, number][]>('window.seen');
    const values = seen.map(([, value]) => value);
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(new Set(values).size).toBeGreaterThan(3);
    expect(new Set(seen.map(([words]) => words))).toContain('Making the video…');
    const reached = await page.evaluate<number[]>(`(async () => {
      const video = document.querySelector('.slideshow-body video');
      const happens = (name) => new Promise((done) => video.addEventListener(name, done, { once: true }));
      if (video.readyState === 0) await happens('loadedmetadata');
      video.currentTime = 20;
      await happens('seeked');
      return [video.currentTime, video.duration];
    })()`);
    expect(reached[0]).toBe(20);
    expect(reached[1]).toBeCloseTo(32, 0);
    const file = await saved(page, save);
    expect(file.name).toBe(`hill.walks_${post.id}.mp4`);
    const address = new URL((await save.getAttribute('href')) ?? '', site.service.baseUrl);
    expect(sha256(file.bytes)).toBe(sha256(Buffer.from(await (await fetch(address)).arrayBuffer())));
  });

  it('makes a slideshow with the chosen seconds, shape and music', async ({ site, visit }) => {
    const post = site.add(photos({ photos: 3 }));
    const page = await visit();
    const card = await get(page, post.url);
    await card.getByText('Options').click();
    const choose = (group: string, name: string) =>
      card.getByRole('group', { name: group }).getByRole('radio', { name, exact: true }).check();
    await choose('Seconds per photo', '1');
    await choose('Shape', '1:1');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await card.getByRole('button', { name: 'Make slideshow' }).click();
    const file = card.getByRole('link', { name: 'Save slideshow, MP4' });
    await file.waitFor();
    expect(await file.getAttribute('href')).toMatch(/&seconds=1&canvas=1x1$/);
    expect(asked.some((url) => /slideshow\/progress\?.*&seconds=1&canvas=1x1$/.test(url))).toBe(true);
    const shape = await page.evaluate<number[]>(`(async () => {
      const video = document.querySelector('.slideshow-body video');
      if (video.readyState === 0) await new Promise((done) => video.addEventListener('loadedmetadata', done));
      return [video.videoWidth / video.videoHeight, Math.round(video.duration)];
    })()`);
    expect(shape).toEqual([1, 3]);
    // Another choice is another slideshow; the whole song leaves no choice of seconds.
    await choose('Music', 'Whole song');
    await card.getByRole('button', { name: 'Make slideshow' }).waitFor();
    expect(await card.getByRole('radio', { name: '2', exact: true }).isDisabled()).toBe(true);
    await card.getByRole('button', { name: 'Make slideshow' }).click();
    await file.waitFor();
    expect(await file.getAttribute('href')).toMatch(/\?url=[\w-]+&canvas=1x1&music=whole$/);
  });

  it('offers no slideshow above 5 minutes, and no choice of music without any', async ({ site, visit }) => {
    const page = await visit();
    const choices = async (options: Parameters<typeof photoPost>[0]) => {
      const card = await get(page, site.add(photos(options)).url);
      await card.getByText('Options').click();
      const group = (name: string) => card.getByRole('group', { name });
      return [await group('Seconds per photo').getByRole('radio').count(), await group('Music').count()];
    };
    expect(await choices({ photos: 35 })).toEqual([5, 1]);
    expect(await choices({ music: null })).toEqual([5, 0]);
  });

  it('saves a single photo by its main button', async ({ site, visit }) => {
    const post = site.add(photos({ photos: 1 }));
    const page = await visit();
    const card = await get(page, post.url);
    expect(await card.locator('.head .saves b').allTextContents()).toEqual(['Save photo', 'Sound, MP3']);
    expect(await card.locator('.slideshow .hint').textContent()).toContain('the photo with');
    const file = await saved(page, card.getByRole('link', { name: 'Save photo', exact: true }));
    expect(sha256(file.bytes)).toBe(truth(site.standin, post, 0));
  });

  it('saves the selected photos, and marks those that were saved', async ({ site, visit, expect }) => {
    const post = site.add(photos({ photos: 12 }));
    const page = await visit();
    const card = await get(page, post.url);
    await card.getByRole('button', { name: 'Select photos' }).click();
    for (const n of [2, 5, 11])
      await card.getByRole('button', { name: `Select photo ${n}`, exact: true }).click();
    await card.getByRole('button', { name: 'Select photo 5', exact: true }).click();
    const files = downloads(page);
    await card.getByRole('button', { name: 'Save selected (2)' }).click();
    await expect
      .poll(() => files.map((file) => file.suggestedFilename()), PATIENCE)
      .toEqual([`hill.walks_${post.id}_02.jpg`, `hill.walks_${post.id}_11.jpg`]);
    await card.getByRole('button', { name: 'Cancel' }).click();
    expect(await card.locator('.saved').count()).toBe(2);
    expect(await card.getByRole('button', { name: 'View photo 2, saved' }).count()).toBe(1);
  });

  it('closes by the way back of the browser, and by a swipe down', async ({ site, visit }) => {
    const post = site.add(photos());
    const page = await visit('/', PHONE);
    await get(page, post.url);
    let asked = 0;
    await page.route('**/tiktok', (route) => {
      asked += 1;
      return route.continue();
    });
    const viewer = page.getByRole('dialog');
    const open = async () => {
      await page.getByRole('button', { name: 'View photo 1' }).click();
      await viewer.waitFor();
    };
    await open();
    await page.goBack();
    await viewer.waitFor({ state: 'hidden' });
    await open();
    await page.evaluate(`{
      const stage = document.querySelector('.stage');
      const touch = (clientX, clientY) => [new Touch({ identifier: 0, target: stage, clientX, clientY })];
      const tell = (type, touches, changedTouches) => stage.dispatchEvent(new TouchEvent(type, { touches, changedTouches, bubbles: true }));
      tell('touchstart', touch(100, 100), touch(100, 100));
      tell('touchend', [], touch(160, 400));
    }`);
    await viewer.waitFor({ state: 'hidden' });
    await open();
    await viewer.getByRole('button', { name: 'Close' }).click();
    await viewer.waitFor({ state: 'hidden' });
    expect(await page.locator('article.result').count()).toBe(1);
    expect(asked).toBe(0);
    // The viewer has left no entries: the way back leads to the empty page.
    await page.goBack();
    await page.locator('article.result').waitFor({ state: 'detached' });
  });

  it('shows the small picture while the large one comes', async ({ site, visit }) => {
    const page = await visit();
    await get(page, site.add(photos()).url);
    await page
      .locator('.tile img')
      .first()
      .evaluate((image) => (image as unknown as { decode(): Promise<void> }).decode());
    expect(await page.locator('.tile img').first().getAttribute('src')).toMatch(/&width=320$/);
    await page.route('**/download?**', () => undefined);
    await page.getByRole('button', { name: 'View photo 1' }).click();
    expect(
      await page
        .locator('.stage img')
        .evaluate((image) => (image as unknown as { style: { background: string } }).style.background),
    ).toContain('&width=320');
  });

  it('stops a slideshow in the making', async ({ site, visit }) => {
    const page = await visit();
    const card = await get(page, site.add(photos({ photos: 8 })).url);
    await page.route('**/download-slideshow?**', () => undefined);
    await card.getByRole('button', { name: 'Make slideshow' }).click();
    await card.getByRole('button', { name: 'Cancel' }).click();
    await card.getByRole('button', { name: 'Make slideshow' }).waitFor();
    expect(await card.locator('progress').count()).toBe(0);
    expect(await page.getByRole('alert').count()).toBe(0);
  });
});

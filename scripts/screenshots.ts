/**
 * `npx tsx scripts/screenshots.ts FOLDER [names]`: pictures of the web page, of the built service against the stand-in for
 * TikTok. The README shows `photos`, in docs/screenshots; the others are to be looked at after a change of the page.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { startService } from '../test/helpers/service.ts';
import {
  photoPost,
  type Standin,
  startStandin,
  statusPost,
  videoPost,
} from '../test/helpers/standin/index.ts';
import { DESKTOP, launch, newContext, PHONE } from '../test/web/browser.ts';

interface Shot {
  name: string;
  context?: BrowserContextOptions;
  /** Posts to open one after the other; the picture shows the last. */
  urls?: string[];
  beforeAll?: (page: Page) => Promise<unknown>;
  /** Before the picture. */
  before?: (page: Page) => Promise<unknown>;
  fullPage?: boolean;
}

function shots(standin: Standin): Shot[] {
  const video = standin.posts.add(
    videoPost({ user: 'mara.cooks', nickname: 'Mara', desc: 'Ten minute tomato soup #soup #easyrecipe' }),
  );
  const photos = standin.posts.add(
    photoPost({
      user: 'hill.walks',
      nickname: 'Hill Walks',
      desc: 'Six views from one ridge #hiking',
      photos: 6,
    }),
  );
  const odd = standin.posts.add(
    photoPost({
      user: 'hill.walks',
      nickname: 'Hill Walks',
      desc: 'As WebP',
      photos: ['webp', 'portrait_2'],
    }),
  );
  const hidden = standin.posts.add(statusPost(10_222, ''));
  const several = [video.url, photos.url, hidden.url, odd.url].join(' ');
  const phone = { ...PHONE, deviceScaleFactor: 2 };
  const makeSlideshow = async (page: Page) => {
    await page.getByRole('button', { name: 'Make slideshow' }).click();
    await page.getByRole('link', { name: 'Save slideshow' }).waitFor();
  };
  const openOptions = (page: Page) => page.getByText('Options').click();
  return [
    { name: 'desktop', urls: [video.url] },
    {
      name: 'desktop-start',
      urls: [photos.url, video.url],
      before: (page) => page.goto(page.url().split('?')[0] ?? ''),
    },
    { name: 'dark', urls: [video.url], context: { colorScheme: 'dark' } },
    { name: 'photos', urls: [photos.url], before: makeSlideshow, fullPage: true },
    {
      name: 'photo-viewer',
      urls: [photos.url],
      before: (page) => page.getByRole('button', { name: 'View photo 2' }).click(),
    },
    { name: 'phone', urls: [video.url], context: phone, fullPage: true },
    { name: 'phone-start', context: phone },
    {
      name: 'phone-photos-dark',
      urls: [photos.url],
      context: { ...phone, colorScheme: 'dark' },
      fullPage: true,
    },
    { name: 'list', urls: [several], fullPage: true },
    { name: 'phone-list', urls: [several], context: { ...phone, locale: 'ar' }, fullPage: true },
    {
      name: 'phone-share',
      urls: [photos.url],
      context: { ...phone, userAgent: 'iPhone' },
      beforeAll: (page) => page.addInitScript('navigator.canShare = () => true'),
    },
    { name: 'phone-options', urls: [odd.url], context: phone, before: openOptions, fullPage: true },
    {
      name: 'phone-jpeg',
      urls: [odd.url],
      context: phone,
      before: (page) => page.getByRole('button', { name: 'View photo 1' }).click(),
    },
    { name: 'phone-error', urls: [hidden.url], context: phone },
    { name: 'error', urls: ['https://example.com/cat'] },
    { name: 'arabic', urls: [video.url], context: { locale: 'ar' } },
    { name: 'phone-arabic', urls: [photos.url], context: { ...phone, locale: 'ar' }, fullPage: true },
  ];
}

/** Waits for all pictures, and a frame of each player. */
async function untilShown(page: Page): Promise<void> {
  const missing = `[...document.images].filter((one) => one.loading !== 'lazy' && !one.complete).length +
    [...document.querySelectorAll('video')].filter((one) => one.readyState < 2).length`;
  while ((await page.evaluate<number>(missing)) > 0) await page.waitForTimeout(100);
  // A player's spinner stays for a while after its first frame.
  await page.waitForTimeout(2000);
}

async function take(page: Page, base: string, shot: Shot): Promise<Buffer> {
  await shot.beforeAll?.(page);
  await page.goto(base);
  for (const url of shot.urls ?? []) {
    await page.locator('#link').fill(url);
    await page.locator('#go').click();
    await page.locator('article, .problem').first().waitFor();
    await page.waitForLoadState('networkidle');
  }
  await shot.before?.(page);
  await page.waitForLoadState('networkidle');
  await page.mouse.move(0, 0);
  await untilShown(page);
  await page.evaluate('scrollTo(0, 0)');
  const picture = await page.screenshot({ fullPage: shot.fullPage ?? false });
  return sharp(picture).png({ palette: true, quality: 80, effort: 10 }).toBuffer();
}

const [folder, ...wanted] = process.argv.slice(2);
if (!folder) throw new Error('the folder for the pictures is missing');
await mkdir(folder, { recursive: true });
const standin = await startStandin();
const service = await startService(standin, { MAX_WORKERS: '2' });
const browser = await launch();
for (const shot of shots(standin).filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const context = await newContext(browser, { ...DESKTOP, ...shot.context });
  const picture = await take(await context.newPage(), service.baseUrl, shot);
  await writeFile(join(folder, `${shot.name}.png`), picture);
  process.stdout.write(`${shot.name}.png ${Math.round(picture.length / 1024)} KB\n`);
  await context.close();
}
await browser.close();
await service.stop();
await standin.close();

/**
 * `npx tsx scripts/screenshots.ts [names]`: the pictures of the web page in docs/screenshots, of the built service against the
 * stand-in for TikTok.
 */
import { mkdir, writeFile } from 'node:fs/promises';
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

const FOLDER = new URL('../docs/screenshots/', import.meta.url);

interface Shot {
  name: string;
  context?: BrowserContextOptions;
  /** Posts to open one after the other; the picture shows the last. */
  urls?: string[];
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
  const hidden = standin.posts.add(statusPost(10_222, ''));
  const phone = { ...PHONE, deviceScaleFactor: 2 };
  const makeSlideshow = async (page: Page) => {
    await page.getByRole('button', { name: 'Make slideshow' }).click();
    await page.getByRole('link', { name: 'Save slideshow' }).waitFor();
  };
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

async function take(page: Page, base: string, shot: Shot): Promise<void> {
  await page.goto(base);
  for (const url of shot.urls ?? []) {
    await page.locator('#link').fill(url);
    await page.locator('#go').click();
    await page.locator('article.result, .problem').first().waitFor();
    await page.waitForLoadState('networkidle');
  }
  await shot.before?.(page);
  await page.waitForLoadState('networkidle');
  await page.mouse.move(0, 0);
  await untilShown(page);
  await page.evaluate('scrollTo(0, 0)');
  const picture = await page.screenshot({ fullPage: shot.fullPage ?? false });
  const small = await sharp(picture).png({ palette: true, quality: 80, effort: 10 }).toBuffer();
  await writeFile(new URL(`${shot.name}.png`, FOLDER), small);
  process.stdout.write(`${shot.name}.png ${Math.round(small.length / 1024)} KB\n`);
}

await mkdir(FOLDER, { recursive: true });
const standin = await startStandin();
const service = await startService(standin, { MAX_WORKERS: '2' });
const browser = await launch();
const wanted = process.argv.slice(2);
for (const shot of shots(standin).filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const context = await newContext(browser, { ...DESKTOP, ...shot.context });
  await take(await context.newPage(), service.baseUrl, shot);
  await context.close();
}
await browser.close();
await service.stop();
await standin.close();

import { describe, expect } from 'vitest';
import en from '../../src/web/lang/en.ts';
import { type Service, startService } from '../helpers/service.ts';
import { scenario, TYPICAL_RENDITIONS, videoPost } from '../helpers/standin/index.ts';
import { CHROMIUM } from './browser.ts';
import { expectProblem } from './problem.ts';
import { get, saved, sha256, it as shared, type Visit, visitor } from './site.ts';

/** A service of its own: one worker without a queue, whose links name another front. */
const it = shared
  .extend('own', { scope: 'file' }, async ({ site }, { onCleanup }): Promise<Service> => {
    const service = await startService(site.standin, {
      BASE_URL: 'https://front.example/api',
      MAX_WORKERS: '1',
      MAX_QUEUE: '0',
      YTDLP_TIMEOUT: '8',
    });
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

describe.skipIf(!CHROMIUM)('the page of a service', () => {
  it('works at any address, though BASE_URL names another', async ({ site, visitOwn }) => {
    const post = site.add(videoPost({ renditions: TYPICAL_RENDITIONS }));
    const page = await visitOwn();
    const card = await get(page, post.url);
    const file = await saved(page, card.getByRole('link', { name: 'Video, HD' }));
    expect(sha256(file.bytes)).toBe(site.standin.media.sha256({ post, part: 'video', index: 2 }));
  });

  it('that is busy shows the post after its retries', async ({ site, own, visitOwn }) => {
    const post = site.add(videoPost());
    const hanging = own.post(scenario('never answering').url);
    const page = await visitOwn(`/?url=${encodeURIComponent(post.url)}`);
    await expectProblem(page, 'busy');
    await page.locator('article.result').waitFor();
    await hanging;
  });

  it('that does not answer opens from the cache of the browser', async ({ own, visitOwn }) => {
    const page = await visitOwn();
    await page.evaluate('navigator.serviceWorker.ready');
    await page.reload();
    own.kill('SIGSTOP');
    try {
      await page.reload();
      await page.locator('html[data-ready]').waitFor();
      expect(await page.locator('h1').textContent()).toBe(en.heading);
    } finally {
      own.kill('SIGCONT');
    }
  });
});

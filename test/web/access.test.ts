import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import en from '../../src/web/lang/en.ts';
import { startService } from '../helpers/service.ts';
import { videoPost } from '../helpers/standin/index.ts';
import { CHROMIUM, SMALL_PHONE } from './browser.ts';
import { expectProblem } from './problem.ts';
import { axe, get, outcome, PATIENCE, it as shared, type Visit, visitor } from './site.ts';

const KEY = `ttdl_${randomBytes(32).toString('base64url')}`;

/** Visits to services of their own, one that wants a key and one that wants a solved check. */
const it = shared
  .extend('services', { scope: 'file' }, async ({ site }, { onCleanup }) => {
    const folder = mkdtempSync(join(tmpdir(), 'page-keys-'));
    const path = join(folder, 'api-keys.json');
    writeFileSync(path, JSON.stringify({ page: { sha256: createHash('sha256').update(KEY).digest('hex') } }));
    const start = (env: Record<string, string>) =>
      startService(site.standin, { MAX_WORKERS: '1', API_KEYS_PATH: path, ...env });
    const wantsKey = await start({ REQUIRE_KEY: 'true' });
    const wantsWork = await start({ BOT_CHECK: 'pow' });
    onCleanup(async () => {
      await Promise.all([wantsKey.stop(), wantsWork.stop()]);
      rmSync(folder, { recursive: true });
    });
    return { wantsKey, wantsWork };
  })
  .extend('visitTo', async ({ site, services, complaints }, { onCleanup }) => {
    const visitors = {
      wantsKey: visitor(site.browser, services.wantsKey, complaints),
      wantsWork: visitor(site.browser, services.wantsWork, complaints),
    };
    onCleanup(async () => {
      await Promise.all([visitors.wantsKey.leave(), visitors.wantsWork.leave()]);
      expect(complaints).toEqual([]);
    });
    return (name: keyof typeof visitors, ...args: Parameters<Visit>) => visitors[name].visit(...args);
  });

describe.skipIf(!CHROMIUM)('the page of a service', () => {
  it('that wants a key asks for it once, and keeps it', async ({ site, visitTo }) => {
    const page = await visitTo('wantsKey', '/', SMALL_PHONE);
    await get(page, site.add(videoPost()).url);
    await expectProblem(page, 'unauthorized');
    expect(await axe(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
    const field = page.getByLabel(en.key);
    await field.fill('ein fälschër 🔑');
    await page.getByRole('button', { name: en.retry }).click();
    await expectProblem(page, 'unauthorized');
    await field.fill(` ${KEY} `);
    await field.press('Enter');
    await page.locator('article.result').waitFor();
    await page.reload();
    expect(await (await outcome(page)).getAttribute('class')).toContain('result');
  });

  it('that wants work does it unseen, once for several posts', async ({ site, services, visitTo }) => {
    const page = await visitTo('wantsWork');
    const statuses: number[] = [];
    page.on('response', (response) => {
      if (response.url().endsWith('/tiktok')) statuses.push(response.status());
    });
    for (let n = 0; n < 2; n += 1) {
      await get(page, site.add(videoPost()).url);
      expect(await page.locator('.problem').count()).toBe(0);
    }
    // Requests the second post again.
    await page.reload();
    await outcome(page);
    expect(statuses).toEqual([401, 200, 200, 200]);
    expect(page.workers()).toEqual([]);
    expect(JSON.stringify(services.wantsWork.log)).not.toContain(
      await page.evaluate(`localStorage.getItem('x-session')`),
    );
  });

  it('that wants work does without a key that is no longer good', async ({ site, visitTo }) => {
    const page = await visitTo('wantsWork');
    await page.evaluate(`localStorage.setItem('x-api-key', 'ttdl_revoked')`);
    await get(page, site.add(videoPost()).url);
    expect(await page.locator('.problem').count()).toBe(0);
  });

  it('whose check is given up stops its worker', async ({ visitTo }) => {
    const page = await visitTo('wantsWork');
    const challenge = { token: 'x', salt: 'x'.repeat(16), target: '0'.repeat(64), max: 2 ** 40 };
    await page.route('**/tiktok', (route) =>
      route.fulfill({ status: 401, json: { code: 'unauthorized', challenge } }),
    );
    await page.locator('#link').fill('https://www.tiktok.com/@someone/video/1');
    await page.locator('#go').click();
    await expect.poll(() => page.workers().length, PATIENCE).toBe(1);
    await page.keyboard.press('Escape');
    await expect.poll(() => page.workers().length, PATIENCE).toBe(0);
    expect(await page.locator('.problem').count()).toBe(0);
  });
});

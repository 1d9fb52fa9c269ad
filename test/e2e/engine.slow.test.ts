/** Longer cases of a changing engine: ENGINE_DIR, ENGINE_UPDATE_CRON, the canary. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FIXED_RELEASE } from '../helpers/engine/bad-releases.ts';
import { EngineHarness } from '../helpers/engine/harness.ts';
import { ownEngine } from '../helpers/engine.ts';
import { until } from '../helpers/processes.ts';

const on = new EngineHarness();
const runs = (version: string | undefined) => async () => (await on.health()).ytdlp === version;

describe.skipIf(!ownEngine)('a new engine', () => {
  it('is rejected when it does not start', async () => {
    await on.start();
    on.project.install('2027.1.3', { patches: { '^__init__.py': "raise ImportError('bad release')\n" } });
    expect(await until(() => on.project.current() === on.first, 30_000)).toBe(true);
    expect((await on.post()).status).toBe(200);
    expect(await on.health()).toMatchObject({ status: 'ok', ytdlp: on.firstVersion });
  });
});

describe.skipIf(!ownEngine)('ENGINE_DIR', () => {
  it('has the engine that a service starts on, switches to and rolls back from, beside the base engine', async () => {
    const volume = join(on.project.root, 'volume');
    await on.start({ ENGINE_DIR: volume });
    expect(await on.health()).toMatchObject({ ytdlp: on.firstVersion, engine: { rejected: [] } });
    const stop = on.load();
    on.project.install('2027.1.6', { patches: {} }, volume);
    expect(await until(runs('2027.1.6'), 30_000)).toBe(true);
    expect((await on.project.engine(['rollback'], { ENGINE_DIR: volume })).code).toBe(0);
    expect(await until(runs(on.firstVersion), 30_000)).toBe(true);
    expect((await stop()).filter((status) => status !== 200)).toEqual([]);
    await on.service.stop();

    on.project.install('2027.1.7', { patches: {} }, volume);
    await on.start({ ENGINE_DIR: volume });
    expect(await on.health()).toMatchObject({ status: 'ok', ytdlp: '2027.1.7' });
    await on.service.stop();

    on.project.install('2027.1.8', { patches: { '^__init__.py': "raise ImportError('damaged')\n" } }, volume);
    await on.start({ ENGINE_DIR: volume });
    expect(await on.health()).toMatchObject({
      status: 'ok',
      ytdlp: on.firstVersion,
      engine: { rejected: ['2027.1.8'] },
    });
    expect((await on.post()).status).toBe(200);
    expect(on.project.current()).toBe(on.first);
  }, 150_000);
});

describe.skipIf(!ownEngine)('ENGINE_UPDATE_CRON', () => {
  it('finds, verifies and activates a new release while the service runs', async () => {
    await on.project.publish('2027.1.5', { patches: {} });
    await on.start({ ENGINE_UPDATE_CRON: '* * * * * *', ...on.project.index });
    const stop = on.load();
    expect(await until(runs('2027.1.5'), 150_000)).toBe(true);
    const statuses = await stop();
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect(on.project.current()).toBe('2027.1.5-update');
    const { newest_known: newest, newest_seen: seen } = (await on.health()).engine;
    expect(newest).toBe('2027.1.5');
    expect(Math.abs(Date.now() / 1000 - (seen ?? 0))).toBeLessThan(300);
    expect((await on.project.engine(['rollback'])).code).toBe(0);
    expect(await until(runs(on.firstVersion), 30_000)).toBe(true);
    expect((await on.post()).status).toBe(200);
  }, 240_000);
});

describe.skipIf(!ownEngine)('a service whose engine reads no page any more', () => {
  it('reports it within a minute without clients, and recovers by an update without a restart', async () => {
    on.unreadable = true;
    await on.start({ CANARY_URL: 'https://www.tiktok.com/@canary/video/7400000000000000042' });
    const isReported = async () => {
      const { status, reasons } = await on.health();
      return status === 'degraded' && /yt-dlp .* cannot read .*npm run engine:update/.test(reasons.join());
    };
    expect(await until(isReported, 60_000)).toBe(true);
    const { pid } = on.service;
    on.project.install('2027.1.4', FIXED_RELEASE);
    expect(await until(runs('2027.1.4'), 30_000)).toBe(true);
    const answers = await Promise.all(Array.from({ length: 20 }, () => on.post()));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    // The other sources still have a shape that nobody knows.
    expect(await until(async () => !(await isReported()), 40_000)).toBe(true);
    expect(on.service.pid).toBe(pid);
  }, 150_000);
});

/** A new engine in a running service; engine.slow.test.ts has the longer cases. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { UNREADABLE_PAGES } from '../helpers/engine/bad-releases.ts';
import { EngineHarness } from '../helpers/engine/harness.ts';
import { ownEngine } from '../helpers/engine.ts';
import { pythonTree, until } from '../helpers/processes.ts';

const on = new EngineHarness();

describe.skipIf(!ownEngine)('a new engine under load', () => {
  it('takes over without a failed request', async () => {
    await on.start();
    expect((await on.health()).engine).toMatchObject({ newest_known: null, newest_seen: null });
    const stop = on.load();
    await until(() => on.standin.requests.length > 50, 20_000);
    on.project.install('2027.1.1', { patches: {} });
    expect(await until(async () => (await on.health()).ytdlp === '2027.1.1', 30_000)).toBe(true);
    const onTrial = async () => ((await on.health()).engine.trial?.succeeded ?? 0) > 20;
    expect(await until(onTrial, 20_000)).toBe(true);
    const statuses = await stop();
    expect(statuses.length).toBeGreaterThan(60);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
  });

  it('is rolled back without a failed request when it reads no real page', async () => {
    await on.start();
    const stop = on.load();
    await until(() => on.standin.requests.length > 50, 20_000);
    on.project.install('2027.1.2', UNREADABLE_PAGES);
    const isRejected = async () => (await on.health()).engine.rejected.includes('2027.1.2');
    expect(await until(isRejected, 30_000)).toBe(true);
    expect(on.project.current()).toBe(on.first);
    const statuses = await stop();
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect(await on.health()).toMatchObject({ status: 'ok', ytdlp: on.firstVersion });
    const hasOneHost = () => {
      const hosts = execFileSync('ps', ['-eo', 'ppid=,args='], { encoding: 'utf8' }).split('\n');
      return (
        hosts.filter((line) => line.includes('host.py') && Number.parseInt(line, 10) === on.service.pid)
          .length === 1
      );
    };
    expect(await until(hasOneHost, 10_000)).toBe(true);
    expect(pythonTree(on.service.pid).host).not.toBeNull();
  });
});

/** `npm run engine:update` and `engine:rollback` with a package index on disk. */
import { existsSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEngine } from '../../src/engine/index.ts';
import { FIXED_RELEASE, UNREADABLE_PAGES } from '../helpers/engine/bad-releases.ts';
import { makeProject, type Project } from '../helpers/engine/project.ts';
import { ownEngine } from '../helpers/engine.ts';
import { type Standin, scenario, startStandin } from '../helpers/standin/index.ts';

/** pip alone takes half a minute on a busy machine. */
const LIMIT_MS = 240_000;

let standin: Standin;
let project: Project;
let first: string;
let env: Record<string, string>;

beforeAll(async () => {
  standin = await startStandin();
  project = makeProject();
  first = project.current();
  env = { PROXY_URLS: standin.proxyUrl, EXTRA_CA_CERTS: standin.caFile, CANARY_URL: scenario('video').url };
});

afterAll(async () => {
  project.remove();
  await standin.close();
});

describe.skipIf(!ownEngine)('engine:update', () => {
  it('rejects a faulty release, changes nothing, and does not try it again', {
    timeout: LIMIT_MS,
  }, async () => {
    await project.publish('2027.1.1', UNREADABLE_PAGES);
    const refused = await project.engine(['update'], env);
    expect(refused.output).toMatch(UNREADABLE_PAGES.refusal ?? /never/);
    expect([refused.code, project.current()]).toEqual([1, first]);
    const again = await project.engine(['update'], env);
    expect(again.output).toContain('yt-dlp 2027.1.1 was rejected');
    expect([again.code, project.current()]).toEqual([0, first]);
  });

  it('activates a good release once, and can be rolled back', { timeout: LIMIT_MS }, async () => {
    await project.publish('2027.2.1', FIXED_RELEASE);
    const both = await Promise.all([project.engine(['update'], env), project.engine(['update'], env)]);
    const output = both.map((one) => one.output).join();
    expect(both.map(({ code }) => code).sort()).toEqual([0, 1]);
    expect(output).toContain('another update of the engine is under way');
    expect(output).toContain('yt-dlp 2027.2.1 is in use from now on');
    expect(project.current()).toBe('2027.2.1-update');
    expect((await project.engine(['update'], env)).output).toContain('the newest there is');
    // What the project's new release was tested with can be had, but it is older.
    await project.publish(first.split('-')[0] ?? '', { patches: {} });
    await project.repin();
    expect(project.current()).toBe('2027.2.1-update');
    await project.publish('2027.2.1', FIXED_RELEASE);
    const back = await project.engine(['rollback']);
    expect([back.code, project.current()]).toEqual([0, first]);
    expect((await project.engine(['update'], env)).output).toContain('rolled back by hand');
    expect((await project.engine(['rollback'])).code).toBe(1);
  });

  it(
    'activates a nightly on --nightly, with released dependencies only, and recognises its version later',
    async () => {
      await project.publishNightly('2027.03.01.120000', { idna: '99.0rc1' });
      expect((await project.engine(['update'], env)).output).toContain('the newest there is');
      expect(project.current()).toBe(first);
      const taken = await project.engine(['update', '--nightly'], env);
      expect(taken.output).toContain('yt-dlp 2027.03.01.120000 is in use from now on');
      expect(project.current()).toBe('2027.03.01.120000-nightly');
      const { sysPath } = readEngine(realpathSync(join(project.root, '.engine/current')));
      const installed = readdirSync(sysPath[0] ?? '');
      expect(installed.filter((name) => /^idna-.*dist-info$/.test(name))).toHaveLength(1);
      expect(installed).not.toContain('idna-99.0rc1.dist-info');
      expect((await project.engine(['update', '--nightly'], env)).output).toContain('the newest there is');
      expect((await project.engine(['rollback'])).code).toBe(0);
      // yt-dlp and the index write its version differently.
      const again = await project.engine(['update', '--nightly'], env);
      expect(again.output).toContain('rolled back by hand');
      expect(project.current()).toBe(first);
      expect((await project.engine(['update', '--nightly', '--again'], env)).code).toBe(0);
      expect(project.current()).toBe('2027.03.01.120000-nightly');
      expect((await project.engine(['rollback'])).code).toBe(0);
    },
    2 * LIMIT_MS,
  );

  it('installs into ENGINE_DIR and leaves the project’s own engine unchanged', {
    timeout: LIMIT_MS,
  }, async () => {
    const volume = join(project.root, 'volume');
    const elsewhere = { ...env, ENGINE_DIR: volume };
    const own = join(project.root, '.engine');
    await project.publish('2027.4.1', FIXED_RELEASE);
    const before = readdirSync(own);
    const taken = await project.engine(['update'], elsewhere);
    expect(taken.output).toContain('yt-dlp 2027.4.1 is in use from now on');
    expect(readlinkSync(join(volume, 'current'))).toBe('2027.4.1-update');
    expect([project.current(), readdirSync(own)]).toEqual([first, before]);
    const back = await project.engine(['rollback'], elsewhere);
    expect(back.output).toContain(`back to yt-dlp ${first.split('-')[0]}`);
    expect(existsSync(join(volume, 'current'))).toBe(false);
    expect((await project.engine(['update'], elsewhere)).output).toContain('rolled back by hand');
    expect((await project.engine(['rollback'], elsewhere)).code).toBe(1);
  });

  it('fails with a message when ENGINE_DIR cannot be written to', async () => {
    const refused = await project.engine(['update'], { ...env, ENGINE_DIR: join(project.main, 'engines') });
    expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('cannot be written to')]);
  });

  it.each([['sideways'], ['update', '--now']])('exits with 2 for %s', async (...args) => {
    expect((await project.engine(args)).code).toBe(2);
  });
});

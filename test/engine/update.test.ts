/** `npm run engine:update` and `engine:rollback`, with an index of our own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MENDED, UNREADABLE_FOR_REAL } from '../helpers/engine/poisons.ts';
import { makeProject, type Project } from '../helpers/engine/project.ts';
import { ownEngine } from '../helpers/engine.ts';
import { type Standin, scenario, startStandin } from '../helpers/standin/index.ts';

/** pip alone takes half a minute where the machine is busy. */
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

describe.skipIf(!ownEngine)('an update', () => {
  it('to a poisoned release changes nothing, and is not tried again', { timeout: LIMIT_MS }, async () => {
    await project.publish('2027.1.1', UNREADABLE_FOR_REAL);
    const refused = await project.engine(['update'], env);
    expect(refused.output).toMatch(UNREADABLE_FOR_REAL.refusal ?? /never/);
    expect([refused.code, project.current()]).toEqual([1, first]);
    const again = await project.engine(['update'], env);
    expect(again.output).toContain('yt-dlp 2027.1.1 was rejected');
    expect([again.code, project.current()]).toEqual([0, first]);
  });

  it('to a good one is taken once, and can be taken back', { timeout: LIMIT_MS }, async () => {
    await project.publish('2027.2.1', MENDED);
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
    await project.publish('2027.2.1', MENDED);
    const back = await project.engine(['rollback']);
    expect([back.code, project.current()]).toEqual([0, first]);
    expect((await project.engine(['update'], env)).output).toContain('rolled back by hand');
    expect((await project.engine(['rollback'])).code).toBe(1);
  });

  it.each([['sideways'], ['update', '--now']])('does not take %s for a command', async (...args) => {
    expect((await project.engine(args)).code).toBe(2);
  });
});

/** A new engine is tried before anybody depends on it: what is wrong with one must show here. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { prove } from '../../scripts/engine/prove.mjs';
import { probe } from '../../scripts/setup/engine/probe.mjs';
import { MENDED, POISONED, type Release } from '../helpers/engine/bad-releases.ts';
import { makeProject, type Project } from '../helpers/engine/project.ts';
import { ownEngine } from '../helpers/engine.ts';
import { type Standin, scenario, startStandin } from '../helpers/standin/index.ts';

let standin: Standin;
let project: Project;

beforeAll(async () => {
  standin = await startStandin();
  project = makeProject();
});

afterAll(async () => {
  project.remove();
  await standin.close();
});

beforeEach(() => {
  // vitest has a BASE_URL of its own.
  vi.stubEnv('BASE_URL', '');
  vi.stubEnv('PROXY_URLS', standin.proxyUrl);
  vi.stubEnv('EXTRA_CA_CERTS', standin.caFile);
  vi.stubEnv('CANARY_URL', scenario('video').url);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

/** As an update does it: why the engine is not taken, null for a good one. */
async function judge(release: Pick<Release, 'patches'>): Promise<string | null> {
  const candidate = project.patched(release);
  const facts = await probe(candidate.python, candidate.sysPath);
  return typeof facts === 'string' ? facts : prove(project.root, { ...candidate, ...facts });
}

describe.skipIf(!ownEngine)('an engine', () => {
  it.for(POISONED)('is refused that $name', { timeout: 120_000 }, async (release) => {
    expect(await judge(release)).toMatch(release.refusal ?? /never/);
  });

  it('is taken that only reads more than the one before', { timeout: 120_000 }, async () => {
    expect(await judge(MENDED)).toBeNull();
  });

  it('is not blamed for a canary that nobody can fetch', { timeout: 120_000 }, async () => {
    vi.stubEnv('CANARY_URL', scenario('page in an unknown shape').url);
    expect(await judge({ patches: {} })).toBeNull();
  });
});

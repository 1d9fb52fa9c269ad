/** What an update does with each faulty release; verify.test.ts has the two quickest. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { prove } from '../../scripts/engine/prove.mjs';
import { loadService } from '../../scripts/engine/service.mjs';
import { probe } from '../../scripts/setup/engine/probe.mjs';
import { findPostLink } from '../../src/posts/url.ts';
import { BAD_RELEASES, FIXED_RELEASE, type Release } from '../helpers/engine/bad-releases.ts';
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
  // vitest sets a BASE_URL.
  vi.stubEnv('BASE_URL', '');
  vi.stubEnv('PROXY_URLS', standin.proxyUrl);
  vi.stubEnv('EXTRA_CA_CERTS', standin.caFile);
  vi.stubEnv('CANARY_URL', scenario('video').url);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Why an update rejects the engine; null when it accepts it. */
async function judge(release: Pick<Release, 'patches'>): Promise<string | null> {
  const candidate = project.patched(release);
  const facts = await probe(candidate.python, candidate.sysPath);
  return typeof facts === 'string' ? facts : prove(project.root, { ...candidate, ...facts });
}

describe.skipIf(!ownEngine)('an engine in an update', () => {
  it.for(BAD_RELEASES)('is rejected that $name', { timeout: 120_000 }, async (release) => {
    expect(await judge(release)).toMatch(release.refusal ?? /never/);
  });

  it('is accepted that only reads more than the active one', { timeout: 120_000 }, async () => {
    expect(await judge(FIXED_RELEASE)).toBeNull();
  });

  it('is accepted when the active one cannot read the canary’s post either', {
    timeout: 120_000,
  }, async () => {
    vi.stubEnv('CANARY_URL', scenario('page in an unknown shape').url);
    expect(await judge({ patches: {} })).toBeNull();
  });

  it('reads a page in a shape that only it knows', { timeout: 120_000 }, async () => {
    // The build: a worker thread cannot load TypeScript.
    const { extraction } = await loadService();
    const { folder, ...facts } = project.patched(FIXED_RELEASE);
    const runDir = mkdtempSync(join(tmpdir(), 'verify-'));
    try {
      const result = await extraction.verifyEngine({
        engine: { ...facts, source: 'update', dir: folder },
        runDir,
        cookiesPath: join(runDir, 'cookies.txt'),
        caFile: standin.caFile,
        log: pino({ level: 'silent' }),
        canary: {
          link: findPostLink(scenario('page in an unknown shape').url),
          proxy: standin.proxyUrl,
          timeoutMs: 30_000,
        },
      });
      expect(result).toMatchObject({ ok: true, canary: 'ok' });
    } finally {
      rmSync(runDir, { recursive: true });
    }
  });
});

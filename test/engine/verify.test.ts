import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifyEngine } from '../../src/extraction/index.ts';
import { BAD_RELEASES } from '../helpers/engine/bad-releases.ts';
import { makeProject, type Project } from '../helpers/engine/project.ts';
import { ownEngine } from '../helpers/engine.ts';

let project: Project;
let runDir: string;

beforeEach(() => {
  project = makeProject();
  runDir = mkdtempSync(join(tmpdir(), 'verify-'));
});

afterEach(() => {
  project.remove();
  rmSync(runDir, { recursive: true });
});

describe.skipIf(!ownEngine)('verifyEngine', () => {
  const quick = BAD_RELEASES.filter(({ name }) =>
    ['cannot be imported', 'hangs at the start'].includes(name),
  );

  it.each(quick)('rejects an engine that $name', async ({ name, patches, refusal }) => {
    const { folder, ...facts } = project.patched({ patches });
    const result = await verifyEngine({
      engine: { ...facts, source: 'update', dir: folder },
      runDir,
      cookiesPath: join(runDir, 'cookies.txt'),
      caFile: null,
      log: pino({ level: 'silent' }),
      canary: null,
      ...(name === 'hangs at the start' && { startLimitMs: 2000 }),
    });
    expect(result).toMatchObject({ ok: false, why: expect.stringMatching(refusal ?? /never/) });
  });

  it.each([
    ['missing', '/nonexistent/python'],
    ['not executable', '/etc/passwd'],
  ])('rejects an engine whose Python is %s, instead of ending the process', async (_, python) => {
    const { folder, ...facts } = project.patched({ patches: {} });
    const result = await verifyEngine({
      engine: { ...facts, python, source: 'update', dir: folder },
      runDir,
      cookiesPath: join(runDir, 'cookies.txt'),
      caFile: null,
      log: pino({ level: 'silent' }),
      canary: null,
    });
    expect(result).toMatchObject({ ok: false, why: expect.stringContaining(python) });
  });

  it('has both of them to try', () => {
    expect(quick).toHaveLength(2);
  });
});

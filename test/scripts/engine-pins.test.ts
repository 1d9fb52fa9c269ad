import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { installFromPypi, OTHER_FILE, PINS } from '../../scripts/setup/engine/pypi.mjs';
import { findPythons } from '../../scripts/setup/python.mjs';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pins-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it('pins every package of the engine with hashes', () => {
  const entries = readFileSync(PINS, 'utf8')
    .replace(/^#.*\n/gm, '')
    .replaceAll(' \\\n', '')
    .trim()
    .split('\n');
  expect(entries.length).toBeGreaterThan(10);
  for (const entry of entries) {
    expect(entry).toMatch(
      /^[\w-]+==[\d.]+(?: ; python_version [<>=]+ "[\d.]+")?(?: +--hash=sha256:[0-9a-f]{64})+$/,
    );
  }
});

it('installs no package whose hash differs', async () => {
  const name = 'not_the_pinned_one-1.0-py3-none-any.whl';
  writeFileSync(join(folder, name), 'other bytes');
  const list = join(folder, 'requirements.txt');
  writeFileSync(list, `not-the-pinned-one==1.0 --hash=sha256:${'0'.repeat(64)}\n`);
  vi.stubEnv('PIP_NO_INDEX', '1');
  vi.stubEnv('PIP_FIND_LINKS', folder);
  const [python] = (await findPythons()).usable;
  if (!python) throw new Error('no Python');
  const what = ['--no-deps', '--require-hashes', '-r', list];
  expect(await installFromPypi(join(folder, 'engine'), python, what)).toBe(OTHER_FILE);
});

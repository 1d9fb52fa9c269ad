import { cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isBuilt } from '../../scripts/setup/build.mjs';
import { isInstalled } from '../../scripts/setup/dependencies.mjs';
import { hashOf } from '../../scripts/setup/stamp.mjs';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stamps-'));
  mkdirSync(join(root, 'src/host'), { recursive: true });
  writeFileSync(join(root, 'src/main.ts'), 'one');
  writeFileSync(join(root, 'src/host/host.py'), 'two');
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

describe('the hash of sources', () => {
  it('depends on content and names, not on times or the project’s place', () => {
    const before = hashOf(root, ['src', 'tsconfig.json']);
    const copy = `${root}-copy`;
    cpSync(root, copy, { recursive: true });
    utimesSync(join(copy, 'src/main.ts'), 1, 1);
    mkdirSync(join(copy, 'src/host/__pycache__'));
    writeFileSync(join(copy, 'src/host/__pycache__/host.pyc'), 'made by Python');
    expect(hashOf(copy, ['src', 'tsconfig.json'])).toBe(before);
    rmSync(copy, { recursive: true });
  });

  it.each([
    ['a changed file', 'src/host/host.py'],
    ['a new file', 'src/host/child.py'],
    ['a new setting', 'tsconfig.json'],
  ])('changes with %s', (_, path) => {
    const before = hashOf(root, ['src', 'tsconfig.json']);
    writeFileSync(join(root, path), 'other');
    expect(hashOf(root, ['src', 'tsconfig.json'])).not.toBe(before);
  });

  it('changes when content moves from one file into the next', () => {
    const before = hashOf(root, ['src']);
    writeFileSync(join(root, 'src/host/host.py'), '');
    writeFileSync(join(root, 'src/main.ts'), 'twoone');
    expect(hashOf(root, ['src'])).not.toBe(before);
  });
});

it('a build counts only with its stamp, or without sources', () => {
  mkdirSync(join(root, 'dist'));
  writeFileSync(join(root, 'dist/main.js'), '');
  expect(isBuilt(root)).toBe(false);
  rmSync(join(root, 'src'), { recursive: true });
  expect(isBuilt(root)).toBe(true);
});

describe('installed packages', () => {
  const wanted = {
    '': { version: '1.0.0' },
    'node_modules/a': { version: '1.2.3' },
    'node_modules/compiler': { version: '2.0.0', dev: true },
    'node_modules/other-platform': { version: '3.0.0', optional: true },
  };
  const production = { 'node_modules/a': { version: '1.2.3' } };

  it('match the lock file without the packages of other platforms', () => {
    expect(isInstalled(wanted, { ...production, 'node_modules/compiler': { version: '2.0.0' } }, true)).toBe(
      true,
    );
  });

  it('need the compiler only for a build', () => {
    expect(isInstalled(wanted, production, true)).toBe(false);
    expect(isInstalled(wanted, production, false)).toBe(true);
  });

  it('do not match with another version, or when nothing is installed', () => {
    expect(isInstalled(wanted, { 'node_modules/a': { version: '1.2.2' } }, false)).toBe(false);
    expect(isInstalled(wanted, null, false)).toBe(false);
  });
});

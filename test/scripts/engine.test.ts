import {
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isZipapp } from '../../scripts/setup/engine/installed.mjs';
import { compareVersions as compareAtSetUp, storeOf } from '../../scripts/setup/engine/shared.mjs';
import { adopt, currentEngine, isUntouched, newFolder } from '../../scripts/setup/engine/store.mjs';
import { compareVersions } from '../../src/engine/index.ts';
import { locateEngine } from '../../src/extraction/engine.ts';

let root: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'engine-')));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

const facts = {
  ytdlp: '2026.10.26',
  curlCffi: '0.16.3',
  impersonation: true,
  source: 'pypi-pinned',
  pins: 'hash of the pins',
};

/** Makes an engine of empty files, the way set-up does. */
function install(version = facts.ytdlp): void {
  const folder = newFolder(storeOf(root));
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'packages'));
  const python = join(folder, 'bin/python');
  const versionFile = join(folder, 'packages/version.py');
  writeFileSync(python, '');
  writeFileSync(versionFile, version);
  const record = { ...facts, ytdlp: version, python, sysPath: [join(folder, 'packages')] };
  adopt(storeOf(root), folder, record, [python, versionFile]);
}

it('is found with absolute paths', () => {
  install();
  const dir = join(root, '.engine/2026.10.26-pypi-pinned');
  expect(locateEngine(root)).toEqual({
    python: join(dir, 'bin/python'),
    sysPath: [join(dir, 'packages')],
    ytdlp: '2026.10.26',
    curlCffi: '0.16.3',
    impersonation: true,
    source: 'pypi-pinned',
    dir,
  });
});

it('says what to do when there is none', () => {
  expect(() => locateEngine(root)).toThrow('npm start');
});

it('goes with the project when that is moved', () => {
  install();
  const moved = `${root}-moved`;
  renameSync(root, moved);
  root = moved;
  expect(locateEngine(root).python).toBe(join(moved, '.engine/2026.10.26-pypi-pinned/bin/python'));
});

it('is switched by its link, and what is in use stays', () => {
  install('2026.08.19');
  const inUse = locateEngine(root);
  install('2026.10.26');
  expect(readlinkSync(join(root, '.engine/current'))).toBe('2026.10.26-pypi-pinned');
  expect(realpathSync(inUse.python)).toBe(inUse.python);
});

it('takes the place of a broken one of the same name, and of a folder in the way', () => {
  install();
  rmSync(join(root, '.engine/2026.10.26-pypi-pinned/bin'), { recursive: true });
  install();
  expect(realpathSync(locateEngine(root).python)).toBe(locateEngine(root).python);
  rmSync(join(root, '.engine/current'));
  mkdirSync(join(root, '.engine/current/x'), { recursive: true });
  install();
  expect(locateEngine(root).ytdlp).toBe('2026.10.26');
});

it('has to be tried again once its Python or its yt-dlp is another', () => {
  const fresh = () => {
    install();
    const engine = currentEngine(storeOf(root));
    if (!engine) throw new Error('no engine');
    expect(isUntouched(engine.dir, engine.record)).toBe(true);
    return engine;
  };
  const upgraded = fresh();
  utimesSync(join(upgraded.dir, 'packages/version.py'), 1, 1);
  expect(isUntouched(upgraded.dir, upgraded.record)).toBe(false);
  const { dir, record } = fresh();
  writeFileSync(join(dir, 'bin/python'), 'another');
  expect(isUntouched(dir, record)).toBe(false);
  rmSync(join(dir, 'bin/python'));
  expect(isUntouched(dir, record)).toBe(false);
});

it('leaves nothing of an interrupted set-up or update behind', () => {
  // No process has this number: Linux stops at 2^22.
  const left = ['.new-99999999', '.new-99999999-old', '.look-99999999'].map((name) =>
    join(storeOf(root), name),
  );
  for (const folder of left) mkdirSync(folder, { recursive: true });
  newFolder(storeOf(root));
  for (const folder of left) expect(() => realpathSync(folder)).toThrow('ENOENT');
});

it.each([
  ['set-up', compareAtSetUp],
  ['the service', compareVersions],
])('orders versions as dates in %s', (_, compareVersions) => {
  expect(compareVersions('2026.08.19', '2026.8.19')).toBe(0);
  expect(compareVersions('2025.04.30', '2026.10.26')).toBeLessThan(0);
  expect(compareVersions('2026.10.26', '2026.9.30')).toBeGreaterThan(0);
  expect(compareVersions('2026.10.26.232811', '2026.10.26')).toBeGreaterThan(0);
  // The same nightly in yt-dlp's words, in its package's and in the index's.
  expect(compareVersions('2026.08.09.232811', '2026.8.9.232811dev')).toBe(0);
  expect(compareVersions('2026.08.09.232811', '2026.8.9.232811.dev0')).toBe(0);
});

it('tells a zipapp from a console script', () => {
  const script = join(root, 'script');
  writeFileSync(script, `#!/usr/bin/python3\nfrom yt_dlp import main\nmain()\n${'#'.repeat(2000)}`);
  expect(isZipapp(script)).toBe(false);
  const zipapp = join(root, 'zipapp');
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  writeFileSync(zipapp, Buffer.concat([Buffer.from(`#!/usr/bin/env python3\n${'x'.repeat(2000)}`), end]));
  expect(isZipapp(zipapp)).toBe(true);
});

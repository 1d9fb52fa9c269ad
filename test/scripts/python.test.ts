import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPythons, isAtLeast, onPath } from '../../scripts/setup/python.mjs';

let folder: string;
const path = process.env.PATH;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'python-'));
});

afterEach(() => {
  process.env.PATH = path;
  rmSync(folder, { recursive: true });
});

function program(name: string, script: string): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

it('compares versions of Python as numbers', () => {
  const versions = ['2.7.18', '3.9.21', '3.10.0', '3.11.2', '3.13.0rc1', ''];
  expect(versions.map((version) => isAtLeast(version))).toEqual([false, false, true, true, true, false]);
});

describe('Pythons on PATH', () => {
  it('leaves out what does not run, separates the old from the usable, and puts 3.11 and newer first', async () => {
    const ten = program('python3', `echo ${join(folder, 'python3')}; echo 3.10.13`);
    const twelve = program('python3.12', `echo ${join(folder, 'python3.12')}; echo 3.12.1`);
    program('python3.13', 'echo "pyenv: not chosen" >&2; exit 127');
    const old = program('python', `echo ${join(folder, 'python')}; echo 3.9.18`);
    process.env.PATH = folder;
    expect(await findPythons()).toEqual({
      usable: [
        { path: twelve, version: '3.12.1' },
        { path: ten, version: '3.10.13' },
      ],
      tooOld: [{ path: old, version: '3.9.18' }],
    });
  });

  it('finds the Python that a yt-dlp command of pipx belongs to', async () => {
    const hidden = join(folder, 'venv');
    mkdirSync(hidden);
    writeFileSync(join(hidden, 'python'), `#!/bin/sh\necho ${hidden}/python\necho 3.12.3\n`, { mode: 0o755 });
    writeFileSync(join(folder, 'yt-dlp'), `#!${hidden}/python\nimport yt_dlp\n`, { mode: 0o755 });
    process.env.PATH = folder;
    const { usable } = await findPythons();
    expect(usable).toEqual([{ path: join(hidden, 'python'), version: '3.12.3' }]);
  });

  it('is empty where there is none', async () => {
    process.env.PATH = folder;
    expect(await findPythons()).toEqual({ usable: [], tooOld: [] });
  });

  it('lists a command in the order of PATH, executables only', () => {
    const first = program('tool', 'true');
    const second = join(folder, 'second');
    mkdirSync(second);
    writeFileSync(join(second, 'tool'), '', { mode: 0o644 });
    expect(onPath('tool', [second, folder, 'relative', folder].join(delimiter))).toEqual([first]);
  });
});

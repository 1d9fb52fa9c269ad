import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { locateFfmpeg } from '../../src/ffmpeg/locate.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ffmpeg-'));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function program(path: string, mode = 0o755): string {
  const whole = join(root, path);
  mkdirSync(join(whole, '..'), { recursive: true });
  writeFileSync(whole, '', { mode });
  return whole;
}

function record(ffmpeg: string): void {
  mkdirSync(join(root, '.ffmpeg'), { recursive: true });
  writeFileSync(join(root, '.ffmpeg/ffmpeg.json'), JSON.stringify({ ffmpeg, source: 'test' }));
}

it('is FFMPEG_PATH before all others', () => {
  const chosen = program('chosen/ffmpeg');
  record(program('system/ffmpeg'));
  expect(locateFfmpeg(root, { FFMPEG_PATH: chosen, PATH: join(root, 'system') })).toBe(chosen);
});

it('is the one that set-up recorded before the one on PATH', () => {
  const own = program('.ffmpeg/ffmpeg');
  record('ffmpeg');
  program('system/ffmpeg');
  expect(locateFfmpeg(root, { PATH: join(root, 'system') })).toBe(own);
});

it('is the one on PATH where none was recorded, or the recorded one is missing', () => {
  const system = program('system/ffmpeg');
  expect(locateFfmpeg(root, { PATH: `/nowhere:${join(root, 'system')}` })).toBe(system);
  record(join(root, 'gone/ffmpeg'));
  expect(locateFfmpeg(root, { PATH: join(root, 'system') })).toBe(system);
});

it('is never a file that is not executable, nor a folder', () => {
  program('plain/ffmpeg', 0o644);
  mkdirSync(join(root, 'folder/ffmpeg'), { recursive: true });
  expect(locateFfmpeg(root, { PATH: `${join(root, 'folder')}:${join(root, 'plain')}` })).toBeNull();
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeM4a, makeMp3 } from '../../src/audio/conversion.ts';
import { FfmpegFailed } from '../../src/ffmpeg/run.ts';

/** ffmpeg 5.1 ends with 0 when the last piece of a file did not fit: half an MP3 was kept and served as a whole one. */

const DISK_KB = 400;
const disk = mkdtempSync(join(tmpdir(), 'mp3-disk-'));
const elsewhere = mkdtempSync(join(tmpdir(), 'mp3-source-'));
const problem = mountProblem();
const ffmpegPath = process.env.FFMPEG_PATH || 'ffmpeg';

afterAll(() => {
  if (problem === null) execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true, force: true });
  rmSync(elsewhere, { recursive: true, force: true });
});

function mountProblem(): string | null {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_KB}k`, 'tmpfs', disk], { stdio: 'pipe' });
    execFileSync(process.env.FFMPEG_PATH || 'ffmpeg', ['-version'], { stdio: 'pipe' });
    return null;
  } catch (error) {
    console.warn(`the tests of sounds on a full disk are skipped: ${error}`);
    return String(error);
  }
}

/** A fetched sound of six seconds. */
function recorded() {
  const sound = join(elsewhere, 'sound.m4a');
  execFileSync(ffmpegPath, [
    ...['-v', 'error', '-y', '-f', 'lavfi', '-i', 'sine=frequency=440:duration=6'],
    ...['-c:a', 'aac', '-b:a', '128k', sound],
  ]);
  return { sound, tags: { title: 't', artist: 'a', album: '' }, cover: null };
}

const CASES = [
  ...[4, 40, 100, 120, 140].map((spareKb) => ['mp3', makeMp3, spareKb] as const),
  ...[4, 20, 40].map((spareKb) => ['m4a', makeM4a, spareKb] as const),
];

describe.skipIf(problem !== null)('a sound on a disk that fills up', () => {
  it.each(CASES)(
    'as %s fails with too little room, and is whole with enough',
    async (ending, make, spareKb) => {
      const filler = join(disk, 'filler');
      const made = join(disk, `sound.${ending}`);
      const running = { ffmpegPath, signal: new AbortController().signal };
      writeFileSync(filler, Buffer.alloc((DISK_KB - spareKb) * 1024));
      await expect(make(recorded(), made, running)).rejects.toBeInstanceOf(FfmpegFailed);
      rmSync(filler);
      await make(recorded(), made, running);
      expect(statSync(made).size).toBeGreaterThan(spareKb * 1024);
      rmSync(made);
    },
  );
});

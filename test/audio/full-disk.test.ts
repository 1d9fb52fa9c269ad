import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeMp3 } from '../../src/audio/conversion.ts';
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
    console.warn(`the tests of MP3s on a full disk are skipped: ${error}`);
    return String(error);
  }
}

describe.skipIf(problem !== null)('an MP3 on a disk that fills up', () => {
  it.each([4, 40, 100, 120, 140])('fails with %i KB to spare, where 144 are needed', async (spareKb) => {
    const sound = join(elsewhere, 'sound.m4a');
    execFileSync(ffmpegPath, [
      ...['-v', 'error', '-y', '-f', 'lavfi', '-i', 'sine=frequency=440:duration=6'],
      ...['-c:a', 'aac', sound],
    ]);
    const filler = join(disk, 'filler');
    const mp3 = join(disk, 'sound.mp3');
    const running = { ffmpegPath, signal: new AbortController().signal };
    const recording = { sound, tags: { title: 't', artist: 'a', album: '' }, cover: null };
    writeFileSync(filler, Buffer.alloc((DISK_KB - spareKb) * 1024));
    await expect(makeMp3(recording, mp3, running)).rejects.toBeInstanceOf(FfmpegFailed);
    rmSync(filler);
    await makeMp3(recording, mp3, running);
    expect(statSync(mp3).size).toBeGreaterThan(144_000);
    rmSync(mp3);
  });
});

import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SlideshowRenderer } from '../../src/slideshow/renderer.ts';
import { locate, quarters, tone } from './media.ts';

vi.setConfig({ testTimeout: 60_000 });
const ffmpegPath = await locate('ffmpeg');

let dir: string;
let work: string;
let logged: { reason?: string; stderr?: string }[];
const log = {
  warn: (what: object | string) => void logged.push(typeof what === 'string' ? { reason: what } : what),
};

beforeEach(async () => {
  logged = [];
  dir = await mkdtemp(join(tmpdir(), 'slideshow-'));
  work = join(dir, 'work');
  await mkdir(work);
  await quarters(90, 160).jpeg().toFile(join(dir, 'photo.jpg'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function render(
  path: string | null,
  overrides: { photos?: string[]; sound?: string } = {},
  signal?: AbortSignal,
) {
  const photo = join(dir, 'photo.jpg');
  const order = {
    photos: [photo, photo],
    sound: null,
    slideSeconds: 1,
    canvas: 'auto' as const,
    output: join(work, 'slideshow.mp4'),
    ...overrides,
  };
  const options = { onSlide: () => undefined, signal: signal ?? new AbortController().signal };
  return new SlideshowRenderer({ ffmpegPath: path, log }).render(order, options);
}

/** A stand-in for ffmpeg that notes its pid and then does as told; `exec` keeps the pid. */
async function standIn(body: string): Promise<string> {
  const path = join(dir, 'ffmpeg');
  await writeFile(path, `#!/bin/sh\necho $$ >> '${dir}/pids'\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

async function pids(count: number): Promise<number[]> {
  return vi.waitFor(
    async () => {
      const found = (await readFile(join(dir, 'pids'), 'utf8')).trim().split('\n').map(Number);
      expect(found.length).toBe(count);
      return found;
    },
    { timeout: 20_000 },
  );
}

async function expectGone(processes: number[]) {
  await vi.waitFor(() => {
    for (const pid of processes) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  }, 10_000);
}

it('rejects with render_failed and logs why where there is no ffmpeg', async () => {
  await expect(render(null)).rejects.toMatchObject({ code: 'render_failed' });
  expect(logged[0]?.reason).toContain('no ffmpeg found');
  await expect(render(join(dir, 'missing'))).rejects.toMatchObject({ code: 'render_failed' });
  expect(logged[1]?.reason).toContain('ENOENT');
});

it('logs the last lines of an ffmpeg that fails', async () => {
  const path = await standIn('echo "Unknown encoder libx264" >&2; exit 1');
  await expect(render(path)).rejects.toMatchObject({ code: 'render_failed' });
  expect(logged[0]?.stderr).toContain('Unknown encoder libx264');
  expect(await readdir(work)).toEqual([]);
});

it('rejects when an ffmpeg is killed, and leaves no process', async () => {
  const path = await standIn('exec sleep 60');
  const failed = expect(render(path)).rejects.toMatchObject({ code: 'render_failed' });
  const running = await pids(2);
  process.kill(running[0] as number, 'SIGKILL');
  await failed;
  await expectGone(running);
  expect(logged[0]?.reason).toContain('SIGKILL');
});

it('kills everything when the signal aborts', async () => {
  const stop = new AbortController();
  const aborted = expect(
    render(await standIn("trap '' TERM INT; exec sleep 60"), {}, stop.signal),
  ).rejects.toThrow('gone');
  const running = await pids(2);
  stop.abort(new Error('gone'));
  await aborted;
  await expectGone(running);
  expect(logged).toEqual([]);
});

it('keeps the secrets of the service from ffmpeg', async () => {
  vi.stubEnv('ENCRYPTION_KEY', 'do-not-pass-this-on');
  await expect(render(await standIn('env >&2; exit 1'))).rejects.toMatchObject({ code: 'render_failed' });
  vi.unstubAllEnvs();
  expect(logged[0]?.stderr).toContain('PATH=');
  expect(logged[0]?.stderr).not.toContain('do-not-pass-this-on');
});

it('starts no process where the signal has aborted', async () => {
  await expect(render(await standIn('exit 1'), {}, AbortSignal.abort(new Error('gone')))).rejects.toThrow(
    'gone',
  );
  expect(await readdir(dir)).not.toContain('pids');
});

describe.skipIf(!ffmpegPath)('with ffmpeg', () => {
  it.each([
    ['cut off', async () => (await quarters(540, 960).jpeg().toBuffer()).subarray(0, 3000)],
    ['no picture at all', async () => Buffer.from('<html>not here</html>')],
    ['an SVG', async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
    ['empty', async () => Buffer.alloc(0)],
    ['too large', async () => Buffer.from(BOMB, 'base64')],
  ])('rejects a photo that is %s', async (_name, make) => {
    const broken = join(dir, 'broken');
    await writeFile(broken, await make());
    const photos = [join(dir, 'photo.jpg'), broken, join(dir, 'photo.jpg')];
    await expect(render(ffmpegPath, { photos })).rejects.toMatchObject({ code: 'render_failed' });
    expect(logged.length).toBe(1);
    expect(await readdir(work)).not.toContain('slideshow.mp4');
  });

  it('rejects a playlist in place of music', async () => {
    const music = await tone(join(dir, 'music.mp3'), 1);
    const playlist = join(dir, 'playlist');
    await writeFile(
      playlist,
      `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://${music}\n#EXT-X-ENDLIST\n`,
    );
    await expect(render(ffmpegPath, { sound: playlist })).rejects.toMatchObject({ code: 'render_failed' });
  });
});

/** The header of a PNG of 20,000 × 20,000 pixels. */
const BOMB = 'iVBORw0KGgoAAAANSUhEUgAATiAAAE4gCAIAAADSm9+NAAAAAElFTkSuQmCC';

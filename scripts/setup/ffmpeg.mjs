// @ts-check
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pipInstall } from './pip.mjs';
import { findPythons, onPath } from './python.mjs';
import { howToInstall, report, warn } from './report.mjs';
import { run } from './run.mjs';

/** What slideshows (H.264, AAC) and MP3s need; some distributions build ffmpeg without them. */
const ENCODERS = ['libx264', 'libmp3lame', 'aac'];
/** Holds a static ffmpeg 7. */
const WHEEL = 'imageio-ffmpeg==0.6.0';

/**
 * Ensures that there is an ffmpeg with the encoders that the service needs, and records it in `.ffmpeg/ffmpeg.json` for
 * src/ffmpeg/locate.ts. Without ffmpeg the service works, except for slideshows and MP3s.
 * @param {string} root
 * @param {boolean} force also when one is recorded
 */
export async function installFfmpeg(root, force = false) {
  const chosen = process.env.FFMPEG_PATH;
  if (chosen && existsSync(chosen)) return;
  const before = force ? null : readRecord(root);
  if (before?.ffmpeg && existsSync(resolve(folderOf(root), before.ffmpeg))) return;
  for (const path of onPath('ffmpeg')) {
    if (await canEncode(path)) return writeRecord(root, path, 'system');
  }
  const missing = `slideshows and MP3s are off. Install ffmpeg (${howToInstall('ffmpeg', 'with your package manager')}), or try PyPI again: \`node scripts/setup.mjs engine\`.`;
  if (before?.source === 'none') return warn(`no ffmpeg: ${missing}`);
  const { path, why } = await fromWheel(root);
  if (path) {
    writeRecord(root, path, 'wheel');
    return report('ffmpeg: a static build from PyPI');
  }
  // Recorded as well, or every start would wait for an index that is out of reach.
  writeRecord(root, null, 'none');
  warn(`no ffmpeg with ${ENCODERS.join(', ')} (${why}): ${missing}`);
}

/** @param {string} root */
const folderOf = (root) => join(root, '.ffmpeg');

/**
 * @param {string} root
 * @returns {{ ffmpeg: string | null, source: string } | null}
 */
function readRecord(root) {
  try {
    return JSON.parse(readFileSync(join(folderOf(root), 'ffmpeg.json'), 'utf8'));
  } catch {
    return null;
  }
}

/**
 * @param {string} root
 * @param {string | null} ffmpeg absolute, or relative to the folder so that the project can be moved
 * @param {string} source
 */
function writeRecord(root, ffmpeg, source) {
  mkdirSync(folderOf(root), { recursive: true });
  const temporary = join(folderOf(root), `.ffmpeg.json.${process.pid}`);
  writeFileSync(temporary, `${JSON.stringify({ ffmpeg, source })}\n`);
  renameSync(temporary, join(folderOf(root), 'ffmpeg.json'));
}

/** @param {string} path */
async function canEncode(path) {
  const { ok, stdout } = await run(path, ['-hide_banner', '-encoders'], { timeoutMs: 20_000 });
  const names = new Set(stdout.split('\n').map((line) => line.trim().split(/\s+/)[1]));
  return ok && ENCODERS.every((name) => names.has(name));
}

/**
 * Puts the static ffmpeg out of the wheel into `.ffmpeg`.
 * @param {string} root
 * @returns {Promise<{ path?: string, why?: string }>} path: relative to that folder
 */
export async function fromWheel(root) {
  const { usable } = await findPythons();
  const python = usable[0]?.path;
  if (!python) return { why: 'no Python for pip' };
  const scratch = join(folderOf(root), `.new-${process.pid}`);
  try {
    const target = join(scratch, 'wheel');
    const installed = await pipInstall(python, target, join(scratch, 'pip'), ['--no-deps', WHEEL]);
    if (!installed.ok) return { why: `PyPI: ${installed.reason}` };
    const binaries = join(target, 'imageio_ffmpeg/binaries');
    const binary = readdirSync(binaries).find((name) => name.startsWith('ffmpeg'));
    if (!binary || !(await canEncode(join(binaries, binary)))) return { why: "PyPI's does not run here" };
    renameSync(join(binaries, binary), join(folderOf(root), 'ffmpeg'));
    return { path: 'ffmpeg' };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

// @ts-check
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { aptInstall, isRootOnDebian } from './debian.mjs';
import { pipInstall } from './pip.mjs';
import { findPythons, onPath } from './python.mjs';
import { report, warn } from './report.mjs';
import { run } from './run.mjs';

/** What the service encodes with: slideshows (H.264 and AAC) and real MP3s. Some distributions build without them. */
const ENCODERS = ['libx264', 'libmp3lame', 'aac'];
/** The wheel with a static ffmpeg 7; then whichever the index has. */
const WHEELS = ['imageio-ffmpeg==0.6.0', 'imageio-ffmpeg'];

const WITHOUT =
  'slideshows and MP3s are off. Install ffmpeg, or try PyPI again with `node scripts/setup.mjs engine`.';

/**
 * Sees to it that there is an ffmpeg with the encoders that the service needs, and writes down which in
 * `.ffmpeg/ffmpeg.json`, where src/ffmpeg.ts reads it. Without one the service works, save slideshows and MP3s.
 * @param {string} root
 * @param {boolean} again also when one is written down
 */
export async function installFfmpeg(root, again = false) {
  const chosen = process.env.FFMPEG_PATH;
  const before = again ? null : recorded(root);
  if (
    (chosen && existsSync(chosen)) ||
    (before?.ffmpeg && existsSync(resolve(folderOf(root), before.ffmpeg)))
  )
    return;
  for (const path of onPath('ffmpeg')) {
    if (await canEncode(path)) return record(root, path, 'system');
  }
  if (before?.source === 'none') return warn(`no ffmpeg: ${WITHOUT}`);
  const failures = [];
  for (const [name, attempt] of /** @type {const} */ ([
    ['wheel', fromWheel],
    ['debian', fromDebian],
  ])) {
    const { path, why } = await attempt(root);
    if (path) {
      record(root, path, name);
      report(name === 'wheel' ? 'ffmpeg: a static one from PyPI' : 'ffmpeg: installed with apt-get');
      return;
    }
    if (why) failures.push(why);
  }
  // Written down too, or every start would wait for a closed network again.
  record(root, null, 'none');
  warn(`no ffmpeg with ${ENCODERS.join(', ')} (${failures.join('; ')}): ${WITHOUT}`);
}

/** @param {string} root */
const folderOf = (root) => join(root, '.ffmpeg');

/**
 * @param {string} root
 * @returns {{ ffmpeg: string | null, source: string } | null}
 */
function recorded(root) {
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
function record(root, ffmpeg, source) {
  mkdirSync(folderOf(root), { recursive: true });
  const passing = join(folderOf(root), `.ffmpeg.json.${process.pid}`);
  writeFileSync(passing, `${JSON.stringify({ ffmpeg, source })}\n`);
  renameSync(passing, join(folderOf(root), 'ffmpeg.json'));
}

/** @param {string} path */
async function canEncode(path) {
  const { ok, stdout } = await run(path, ['-hide_banner', '-encoders'], { timeoutMs: 20_000 });
  const names = new Set(stdout.split('\n').map((line) => line.trim().split(/\s+/)[1]));
  return ok && ENCODERS.every((name) => names.has(name));
}

/**
 * Puts the static one out of the wheel into `.ffmpeg`.
 * @param {string} root
 * @returns {Promise<{ path?: string, why?: string }>} relative to that folder
 */
export async function fromWheel(root) {
  const { usable } = await findPythons();
  const python = usable[0]?.path;
  if (!python) return { why: 'no Python to ask PyPI with' };
  const scratch = join(folderOf(root), `.new-${process.pid}`);
  try {
    let why = '';
    for (const wheel of WHEELS) {
      rmSync(scratch, { recursive: true, force: true });
      mkdirSync(scratch, { recursive: true });
      const installed = await pipInstall(python, join(scratch, 'wheel'), join(scratch, 'pip'), [
        '--no-deps',
        wheel,
      ]);
      why = installed.reason;
      if (installed.ok) break;
    }
    if (why !== '') return { why: `PyPI: ${why}` };
    const binaries = join(scratch, 'wheel/imageio_ffmpeg/binaries');
    const binary = readdirSync(binaries).find((name) => name.startsWith('ffmpeg'));
    if (!binary || !(await canEncode(join(binaries, binary))))
      return { why: 'the one on PyPI does not run here' };
    renameSync(join(binaries, binary), join(folderOf(root), 'ffmpeg'));
    return { path: 'ffmpeg' };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** @returns {Promise<{ path?: string, why?: string }>} */
async function fromDebian() {
  if (!isRootOnDebian()) return {};
  const why = await aptInstall(['ffmpeg']);
  if (why !== '') return { why: `apt-get: ${why}` };
  return (await canEncode('/usr/bin/ffmpeg'))
    ? { path: '/usr/bin/ffmpeg' }
    : { why: "Debian's lacks an encoder" };
}

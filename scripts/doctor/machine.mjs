// @ts-check
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadFfmpeg } from '../engine/service.mjs';
import { run } from '../setup/run.mjs';

/** @typedef {import('./page.mjs').Finding} Finding */

const MEGABYTE = 1024 ** 2;
/** Below: not one film. /health minds below half a gigabyte, when several are made. */
const FULL_MB = 100;
const LITTLE_MB = 1024;
const NEEDED_ENCODERS = ['libx264', 'libmp3lame', 'aac'];

/**
 * @param {string} root
 * @returns {Finding}
 */
export function examineNode(root) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const says = `service ${version} on Node ${process.versions.node}, ${process.platform} ${process.arch}`;
  return { topic: 'Versions', state: 'good', says };
}

/**
 * @param {string} root
 * @returns {Promise<Finding>}
 */
export async function examineFfmpeg(root) {
  const { locateFfmpeg } = await loadFfmpeg();
  const path = locateFfmpeg(root);
  const fix = 'install ffmpeg and run `node scripts/setup.mjs engine`';
  if (!path) return { topic: 'ffmpeg', state: 'warn', says: 'none: no slideshows, no MP3s made', fix };
  const outcome = await run(path, ['-hide_banner', '-encoders'], { timeoutMs: 15_000 });
  const version = await run(path, ['-version'], { timeoutMs: 15_000 });
  const missing = NEEDED_ENCODERS.filter((name) => !new RegExp(`^ \\S+ ${name} `, 'm').test(outcome.stdout));
  const number = /^ffmpeg version (\S+)/.exec(version.stdout)?.[1] ?? 'unknown';
  if (!outcome.ok || missing.length > 0) {
    const why = outcome.ok ? `lacks ${missing.join(', ')}` : outcome.reason;
    return { topic: 'ffmpeg', state: 'warn', says: `${number}: ${why}`, fix };
  }
  return { topic: 'ffmpeg', state: 'good', says: `${number} with ${NEEDED_ENCODERS.join(', ')}` };
}

/**
 * @param {import('../../src/config.ts').Config} config
 * @returns {Finding}
 */
export function examineDisk({ temp: { dir } }) {
  const probe = join(dir, `.doctor-${process.pid}`);
  try {
    mkdirSync(dir, { recursive: true });
    writeFileSync(probe, '');
    rmSync(probe);
  } catch (error) {
    const says = `TEMP_DIR cannot be written to: ${error instanceof Error ? error.message : error}`;
    return { topic: 'Disk', state: 'bad', says, fix: 'give TEMP_DIR a folder that the service may write to' };
  }
  const { bavail, bsize } = statfsSync(dir);
  const free = Math.floor((bavail * bsize) / MEGABYTE);
  const says = `${free < 10_000 ? `${free} MB` : `${Math.floor(free / 1024)} GB`} free where TEMP_DIR is`;
  if (free >= LITTLE_MB) return { topic: 'Disk', state: 'good', says };
  const fix = 'make room where TEMP_DIR is: a film and an MP3 need space while they are made';
  return { topic: 'Disk', state: free < FULL_MB ? 'bad' : 'warn', says, fix };
}

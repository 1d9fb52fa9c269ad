// @ts-check
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadFfmpeg } from '../engine/service.mjs';
import { run } from '../setup/run.mjs';

/** @typedef {import('./page.mjs').Finding} Finding */

const GIGABYTE = 1024 ** 3;
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
  const free = (bavail * bsize) / GIGABYTE;
  const says = `${free.toFixed(1)} GB free where TEMP_DIR is`;
  if (free > 1) return { topic: 'Disk', state: 'good', says };
  return {
    topic: 'Disk',
    state: 'warn',
    says,
    fix: 'make room: a film and an MP3 need space while they are made',
  };
}

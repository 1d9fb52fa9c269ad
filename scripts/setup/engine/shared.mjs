// @ts-check
// What set-up, the update scripts and src/engine need alike. Types for src: shared.d.mts.
import { lstatSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The project's own store.
 * @param {string} root
 */
export const storeOf = (root) => join(root, '.engine');

/**
 * Points `current` to an engine's folder by one rename.
 * @param {string} store
 * @param {string} name
 */
export function activate(store, name) {
  const current = join(store, 'current');
  const link = join(store, `.link-${process.pid}`);
  rmSync(link, { force: true });
  symlinkSync(name, link);
  // A rename replaces a link, but not a folder.
  if (lstatSync(current, { throwIfNoEntry: false })?.isDirectory()) rmSync(current, { recursive: true });
  renameSync(link, current);
}

/**
 * Orders yt-dlp's versions, which are dates: `2026.08.19`, in packages `2026.8.19`, nightly `2026.08.19.232811`, in
 * packages `2026.8.19.232811.dev0`.
 * @param {string} a
 * @param {string} b
 * @returns {number} negative when a is the older
 */
export function compareVersions(a, b) {
  const [left = [], right = []] = [a, b].map((version) => version.split(/[^0-9]+/).map(Number));
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

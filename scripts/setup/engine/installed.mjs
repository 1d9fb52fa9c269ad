// @ts-check
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { onPath } from '../python.mjs';
import { probe } from './probe.mjs';

/**
 * Looks for an installed yt-dlp: a module of one of the Pythons, or the zipapp on PATH. python.mjs follows a console script to
 * its Python; the frozen binary (yt-dlp_linux) cannot be imported.
 * @param {readonly import('../python.mjs').Python[]} pythons
 * @returns {Promise<{ python: string, sysPath: string[] } | string>} a string is the reason why there is none
 */
export async function findInstalled(pythons) {
  const zipapps = onPath('yt-dlp').filter(isZipapp);
  let why = 'not installed';
  for (const { path: python } of pythons) {
    for (const sysPath of [[], ...zipapps.map((zipapp) => [zipapp])]) {
      const facts = await probe(python, sysPath);
      if (typeof facts !== 'string') return { python, sysPath: [facts.holder] };
      if (!facts.startsWith('ModuleNotFoundError')) why = facts;
    }
  }
  return why;
}

/**
 * Whether a file ends with a zip's end-of-directory record (22 bytes, with the empty comment of zipapps).
 * @param {string} path
 */
export function isZipapp(path) {
  const { size } = statSync(path);
  if (size < 1000) return false;
  const file = openSync(path, 'r');
  try {
    const end = Buffer.alloc(22);
    readSync(file, end, 0, end.length, size - end.length);
    return end.readUInt32LE(0) === 0x06054b50;
  } finally {
    closeSync(file);
  }
}

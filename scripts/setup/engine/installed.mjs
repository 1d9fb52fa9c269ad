// @ts-check
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { onPath } from '../python.mjs';
import { probe } from './probe.mjs';

/**
 * Looks for a yt-dlp that somebody installed: a module of one of the Pythons, or the zipapp on PATH, which Python can
 * import from as it is. A `yt-dlp` that is a console script leads to its Python in python.mjs; the frozen binary
 * (yt-dlp_linux) cannot be imported.
 * @param {readonly import('../python.mjs').Python[]} pythons
 * @returns {Promise<{ python: string, sysPath: string[] } | string>}
 */
export async function findInstalled(pythons) {
  const zipapps = onPath('yt-dlp').filter(isZipapp);
  let why = 'none';
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
 * Whether a file is a Python script with a zip behind it. A zip is known by its end: the directory's end record, 22
 * bytes and a comment (empty in zipapps).
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

// @ts-check
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../run.mjs';
import { isZipapp } from './installed.mjs';
import { probe } from './probe.mjs';

/** 3 MB from GitHub. */
const DOWNLOAD_LIMIT_MS = 60_000;

/**
 * Has yt-dlp-exec download the zipapp from GitHub, into our folder, where `npm ci` does not remove it.
 * @param {string} root
 * @param {string} folder
 * @param {readonly import('../python.mjs').Python[]} pythons
 * @returns {Promise<{ python: string, sysPath: string[] } | string>}
 */
export async function downloadWithYtDlpExec(root, folder, pythons) {
  const script = join(root, 'node_modules/yt-dlp-exec/scripts/postinstall.js');
  if (!existsSync(script)) return 'yt-dlp-exec is not installed';
  const zipapp = join(folder, 'yt-dlp');
  const outcome = await run(process.execPath, [script], {
    timeoutMs: DOWNLOAD_LIMIT_MS,
    env: { ...process.env, YOUTUBE_DL_DIR: folder, YOUTUBE_DL_FILENAME: 'yt-dlp' },
  });
  // The script ends with 0 whatever happens, and takes an error page for a program.
  if (!existsSync(zipapp))
    return outcome.stderr.trim().split('\n').at(-1) || outcome.reason || 'nothing came';
  let why = 'what came is not yt-dlp';
  if (isZipapp(zipapp)) {
    for (const { path: python } of pythons) {
      const facts = await probe(python, [zipapp]);
      if (typeof facts !== 'string') return { python, sysPath: [zipapp] };
      why = facts;
    }
  }
  rmSync(zipapp);
  return why;
}

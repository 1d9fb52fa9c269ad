// @ts-check
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipInstall } from '../setup/pip.mjs';

/**
 * The newest yt-dlp that pip would install for a Python, by the user's index and settings.
 * @param {string} python
 * @param {string} scratch a folder to make and remove
 * @param {boolean} nightly
 * @returns {Promise<string>} its version
 * @throws when pip finds none
 */
export async function newestVersion(python, scratch, nightly) {
  mkdirSync(scratch, { recursive: true });
  try {
    const report = join(scratch, 'report.json');
    const what = ['--dry-run', '--no-deps', '--report', report, ...(nightly ? ['--pre'] : []), 'yt-dlp'];
    const outcome = await pipInstall(python, join(scratch, 'nothing'), scratch, what);
    if (!outcome.ok) throw new Error(`cannot look for newer versions: ${outcome.reason}`);
    const version = JSON.parse(readFileSync(report, 'utf8')).install?.[0]?.metadata?.version;
    if (typeof version !== 'string') throw new Error('pip found no yt-dlp');
    return version;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

// @ts-check
import { join } from 'node:path';
import { run } from '../run.mjs';
import { compareVersions } from './shared.mjs';

const PROBE = join(import.meta.dirname, 'probe.py');
/** The first yt-dlp that reads TikTok's current pages. */
const OLDEST = '2025.04.30';

/**
 * @typedef {object} Facts about the yt-dlp that a Python imports
 * @property {string} ytdlp its version
 * @property {string | null} curlCffi version of the curl_cffi that this yt-dlp accepts
 * @property {boolean} impersonation whether it can send requests with a browser's fingerprint
 * @property {string} holder the folder or zipapp that yt_dlp was imported from
 * @property {string} versionFile a file that changes when this yt-dlp is replaced
 */

/**
 * Imports an engine as the service would.
 * @param {string} python
 * @param {readonly string[]} sysPath
 * @returns {Promise<Facts | string>} a string is the reason why it cannot be used
 */
export async function probe(python, sysPath) {
  const outcome = await run(python, [PROBE, ...sysPath], { timeoutMs: 60_000 });
  if (!outcome.ok) return outcome.reason;
  /** @type {Facts} */
  const facts = JSON.parse(outcome.stdout.trim().split('\n').at(-1) ?? '');
  if (compareVersions(facts.ytdlp, OLDEST) < 0) return `yt-dlp ${facts.ytdlp} is older than ${OLDEST}`;
  return facts;
}

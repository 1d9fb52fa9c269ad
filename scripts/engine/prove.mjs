// @ts-check
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { findHome, loadService, loadSettings } from './service.mjs';

/**
 * @typedef {object} Candidate
 * @property {string} folder
 * @property {string} python
 * @property {string[]} sysPath
 * @property {string} ytdlp
 * @property {string | null} curlCffi
 * @property {boolean} impersonation
 */

/**
 * Tries a new engine as the service would use it, beside the one in use.
 * @param {string} root
 * @param {Candidate} candidate
 * @returns {Promise<string | null>} why it is not to be taken
 */
export async function prove(root, { folder, ...facts }) {
  const { extraction, engines, posts } = await loadService();
  const config = await loadSettings();
  const { canaryUrl, cookiesPath, timeoutMs } = config.extraction;
  const proxy = config.egress.proxies[0]?.reveal() ?? null;
  const runDir = mkdtempSync(join(tmpdir(), 'engine-'));
  /** @param {import('../../src/engine/index.ts').Engine} engine */
  const tried = (engine) =>
    extraction.verifyEngine({
      engine,
      runDir,
      cookiesPath,
      caFile: config.egress.extraCaFile,
      log: pino({ level: 'silent' }),
      canary: canaryUrl === null ? null : { link: posts.findPostLink(canaryUrl), proxy, timeoutMs },
    });
  try {
    const inUse = engines.activeEngine(await findHome(root));
    const proof = await tried({ ...facts, source: 'update', dir: folder });
    if (!proof.ok) return proof.why;
    if (inUse.impersonation && !proof.impersonation) return 'browser impersonation no longer works';
    if (proof.canary === null || proof.canary === 'ok') return null;
    // Perhaps it is TikTok, the network or the post: the engine in use tells.
    const now = await tried(inUse);
    if (!now.ok || now.canary !== 'ok') return null;
    return `the canary's post ended with ${proof.canary}, while yt-dlp ${inUse.ytdlp} still reads it`;
  } finally {
    rmSync(runDir, { recursive: true, force: true });
  }
}

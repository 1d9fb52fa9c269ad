// @ts-check
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findHome, loadService, loadSettings, verifyEngine } from './service.mjs';

/**
 * @typedef {Omit<import('../../src/engine/index.ts').Engine, 'dir' | 'source'> & { folder: string }} Candidate
 */

/**
 * Compares a new engine with the active one.
 * @param {string} root
 * @param {Candidate} candidate
 * @returns {Promise<string | null>} why it is rejected; null when it is accepted
 */
export async function prove(root, { folder, ...facts }) {
  const { engines } = await loadService();
  const config = await loadSettings();
  const active = engines.activeEngine(await findHome(root));
  const runDir = mkdtempSync(join(tmpdir(), 'engine-'));
  try {
    const result = await verifyEngine({ ...facts, source: 'update', dir: folder }, config, runDir);
    if (!result.ok) return result.why;
    if (active.impersonation && !result.impersonation) return 'browser impersonation no longer works';
    if (result.canary === null || result.canary === 'ok') return null;
    // The cause may be TikTok, the network or the post: the active engine shows.
    const reference = await verifyEngine(active, config, runDir);
    if (!reference.ok || reference.canary !== 'ok') return null;
    return `the canary's post ended with ${result.canary}, while yt-dlp ${active.ytdlp} still reads it`;
  } finally {
    rmSync(runDir, { recursive: true, force: true });
  }
}

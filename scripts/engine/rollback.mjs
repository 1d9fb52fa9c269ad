// @ts-check
import { findHome, loadService } from './service.mjs';

const LOCK_PATIENCE_MS = 60_000;

/**
 * @param {string} root
 * @returns {Promise<string>} what was done
 */
export async function rollback(root) {
  const { engines } = await loadService();
  const home = await findHome(root);
  const why = engines.writeProblem(home.store);
  if (why !== null) throw new Error(`${why}: nothing can be changed there`);
  return engines.withEngineLock(home.store, LOCK_PATIENCE_MS, () => {
    const left = engines.activeEngine(home);
    const next = engines.rollBack(home, left, 'rolled back by hand');
    if (next === null) throw new Error('no earlier engine was kept: nothing to go back to');
    return `back to yt-dlp ${next.ytdlp} (${next.source}); ${left.ytdlp} is not taken again unless you say \`--again\``;
  });
}

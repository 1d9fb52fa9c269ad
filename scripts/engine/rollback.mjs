// @ts-check
import { findHome, loadService } from './service.mjs';

const LOCK_PATIENCE_MS = 60_000;

/**
 * Activates the engine before the active one, and marks the active one as rejected.
 * @param {string} root
 * @returns {Promise<string>} what was done
 */
export async function rollback(root) {
  const { engines } = await loadService();
  const home = await findHome(root);
  const why = engines.writeProblem(home.store);
  if (why !== null) throw new Error(`${why}: the engine cannot be changed`);
  return engines.withEngineLock(home.store, LOCK_PATIENCE_MS, () => {
    const active = engines.activeEngine(home);
    const next = engines.rollBack(home, active, 'rolled back by hand');
    if (next === null) throw new Error('there is no earlier engine');
    return `back to yt-dlp ${next.ytdlp} (${next.source}); ${active.ytdlp} is not used again without \`--again\``;
  });
}

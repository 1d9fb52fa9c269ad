// @ts-check
import { basename } from 'node:path';
import { currentEngine } from '../setup/engine/store.mjs';
import { loadService } from './service.mjs';

const LOCK_PATIENCE_MS = 60_000;

/**
 * @param {string} root
 * @returns {Promise<string>} what was done
 */
export async function rollback(root) {
  const { engines } = await loadService();
  const store = engines.engineStore(root);
  return engines.withEngineLock(store, LOCK_PATIENCE_MS, () => {
    const current = currentEngine(root);
    if (!current) throw new Error('there is no engine: run `npm start`');
    const left = { name: basename(current.dir), version: current.record.ytdlp };
    const name = engines.rollBack(store, left, 'rolled back by hand');
    if (name === null) throw new Error('no earlier engine was kept: nothing to go back to');
    return `back to ${name}; yt-dlp ${left.version} is not taken again unless you say \`--again\``;
  });
}

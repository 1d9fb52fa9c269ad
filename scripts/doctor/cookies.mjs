// @ts-check
import { pino } from 'pino';
import { findHome, loadService } from '../engine/service.mjs';
import { examineCookies } from './settings.mjs';

/**
 * What yt-dlp's own loader says of the cookies file, and where it has nothing to object, what the session is worth.
 * @param {string} root
 * @param {import('../../src/config.ts').Config} config
 * @returns {Promise<import('./page.mjs').Finding[]>}
 */
export async function examineCookiesFile(root, config) {
  const { engines } = await loadService();
  const home = await findHome(root);
  /** @type {typeof import('../../src/health/index.ts')} */
  const { CookiesFile } = await import(new URL('../../dist/health/index.js', import.meta.url).href);
  const file = new CookiesFile({
    path: config.extraction.cookiesPath,
    engine: () => engines.activeEngine(home),
    log: pino({ level: 'silent' }),
  });
  await file.check();
  const problem = file.status?.problem;
  if (!problem) return examineCookies(config);
  const fix = /permission denied/i.test(problem)
    ? 'let the user of the service read the file and enter its folder'
    : 'export the cookies again in the Netscape format, as UTF-8 without a byte order mark';
  return [{ topic: 'Cookies', state: 'warn', says: `yt-dlp cannot use the file: ${problem}`, fix }];
}

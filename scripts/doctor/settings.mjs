// @ts-check
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {import('./page.mjs').Finding} Finding
 * @typedef {import('../../src/config.ts').Config} Config
 */

/** Without these, TikTok and Douyin treat a client as not logged in. */
const SESSION_COOKIES = new Set(['sessionid', 'sessionid_ss', 'sid_tt', 'sid_guard', 's_v_web_id']);
const DAY_SECONDS = 86_400;
const SOON_DAYS = 7;
const FULL_MB = 100;
const LOW_MB = 1024;

/**
 * @param {string} root
 * @param {Config} config
 * @returns {Finding[]}
 */
export function examineKey(root, { production, secrets: { encryptionKey } }) {
  const topic = 'Key';
  if (encryptionKey) {
    const value = encryptionKey.reveal();
    if (value.length >= 24 && new Set(value).size >= 12)
      return [{ topic, state: 'ok', says: 'ENCRYPTION_KEY is set' }];
    const says = 'ENCRYPTION_KEY is short or has few different characters';
    const fix =
      'make one with `openssl rand -base64 32`, and keep the old one in ENCRYPTION_KEY_PREVIOUS for a day';
    return [{ topic, state: 'warn', says, fix }];
  }
  const file = join(root, '.encryption-key');
  if (production || !existsSync(file)) return [{ topic, state: 'ok', says: 'generated at the first start' }];
  if ((statSync(file).mode & 0o077) === 0) return [{ topic, state: 'ok', says: 'in .encryption-key' }];
  const says = '.encryption-key can be read by other users';
  return [{ topic, state: 'warn', says, fix: 'chmod 600 .encryption-key' }];
}

/**
 * @param {Config} config
 * @returns {Finding[]}
 */
export function examineBaseUrl({ production, server: { baseUrl } }) {
  const topic = 'BASE_URL';
  if (baseUrl !== null) return [{ topic, state: 'ok', says: baseUrl }];
  if (!production) return [{ topic, state: 'ok', says: 'not set: links use the address of each request' }];
  const says = 'not set: links use the Host header of each request, which a client chooses';
  return [{ topic, state: 'warn', says, fix: 'set BASE_URL to the address that clients use' }];
}

/**
 * @param {Config} config
 * @returns {Finding[]}
 */
export function examineDisk({ temp: { dir } }) {
  const topic = 'Disk';
  const probe = join(dir, `.doctor-${process.pid}`);
  try {
    mkdirSync(dir, { recursive: true });
    writeFileSync(probe, '');
    rmSync(probe);
  } catch (error) {
    const says = `TEMP_DIR is not writable: ${error instanceof Error ? error.message : error}`;
    return [{ topic, state: 'error', says, fix: 'set TEMP_DIR to a folder that the service may write to' }];
  }
  const { bavail, bsize } = statfsSync(dir);
  const freeMb = Math.floor((bavail * bsize) / 1024 ** 2);
  const says = `${freeMb < 10_000 ? `${freeMb} MB` : `${Math.floor(freeMb / 1024)} GB`} free in TEMP_DIR`;
  if (freeMb >= LOW_MB) return [{ topic, state: 'ok', says }];
  const fix = 'free some space in TEMP_DIR: slideshows and MP3s are written there';
  return [{ topic, state: freeMb < FULL_MB ? 'error' : 'warn', says, fix }];
}

/**
 * @param {string | null} path
 * @returns {Finding[]}
 */
export function examineFfmpeg(path) {
  const topic = 'ffmpeg';
  if (path) return [{ topic, state: 'ok', says: path }];
  const fix = 'install ffmpeg and run `node scripts/setup.mjs engine`';
  return [{ topic, state: 'warn', says: 'not installed: no slideshows, no MP3s from videos', fix }];
}

/**
 * @param {Config} config
 * @returns {Finding[]}
 */
export function examineCookies({ extraction: { cookiesPath } }) {
  const topic = 'Cookies';
  if (!existsSync(cookiesPath)) {
    return [
      { topic, state: 'ok', says: 'none: Douyin, and posts that require a login, answer login_required' },
    ];
  }
  const warn = (/** @type {string} */ says, /** @type {string} */ fix) =>
    /** @type {Finding[]} */ ([{ topic, state: 'warn', says, fix }]);
  let cookies;
  try {
    cookies = parseCookies(readFileSync(cookiesPath, 'utf8'));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    return warn(
      `the file cannot be read (${code}) and is ignored`,
      'set COOKIES_PATH to a file that the service may read',
    );
  }
  if (cookies.length === 0) return warn('the file has no cookies', 'export it again in the Netscape format');
  const session = cookies.filter(({ name, expires }) => SESSION_COOKIES.has(name) && expires > 0);
  const end = Math.min(...session.map(({ expires }) => expires));
  const days = Math.floor((end - Date.now() / 1000) / DAY_SECONDS);
  if (days < SOON_DAYS) {
    const when = days < 0 ? 'has expired' : `expires in ${days} days`;
    return warn(`the session ${when}`, 'log in with a browser and export the cookies again');
  }
  if ((statSync(cookiesPath).mode & 0o077) !== 0) {
    return warn('the file can be read by other users', `chmod 600 ${cookiesPath}`);
  }
  const says = session.length > 0 ? `the session lasts ${days} more days` : 'without a login';
  return [{ topic, state: 'ok', says: `${cookies.length} cookies, ${says}` }];
}

/**
 * @param {string} text in the Netscape format
 * @returns {{ name: string, expires: number }[]} expires: Unix seconds, 0 for cookies that end with the browser
 */
function parseCookies(text) {
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/^#HttpOnly_/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'))
    .filter((fields) => fields.length >= 7)
    .map(([, , , , expires, name = '']) => ({ name, expires: Number(expires) }));
}

// @ts-check
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {import('./page.mjs').Finding} Finding
 * @typedef {import('../../src/config.ts').Config} Config
 */

/** Without these TikTok and Douyin take a visitor for one who is not logged in. */
const SESSION_COOKIES = new Set(['sessionid', 'sessionid_ss', 'sid_tt', 'sid_guard', 's_v_web_id']);
const DAY_SECONDS = 86_400;
const SOON_DAYS = 7;

/**
 * Whoever has the key can make links, and read those that are out.
 * @param {string} root
 * @param {Config} config
 * @returns {Finding}
 */
export function examineKey(root, { production, secrets: { encryptionKey } }) {
  const topic = 'Key';
  if (encryptionKey) {
    const value = encryptionKey.reveal();
    const good = value.length >= 24 && new Set(value).size >= 12;
    if (good) return { topic, state: 'good', says: 'ENCRYPTION_KEY is set and long enough' };
    const fix =
      'make one with `openssl rand -base64 32`; put the old one into ENCRYPTION_KEY_PREVIOUS for a day';
    return { topic, state: 'warn', says: 'ENCRYPTION_KEY is short or has few different characters', fix };
  }
  const file = join(root, '.encryption-key');
  if (production || !existsSync(file))
    return { topic, state: 'good', says: 'one is made at the first start' };
  if ((statSync(file).mode & 0o077) === 0)
    return { topic, state: 'good', says: 'generated, kept in .encryption-key' };
  return {
    topic,
    state: 'warn',
    says: '.encryption-key can be read by others',
    fix: 'chmod 600 .encryption-key',
  };
}

/**
 * @param {Config} config
 * @returns {Finding}
 */
export function examineCookies({ extraction: { cookiesPath } }) {
  const topic = 'Cookies';
  if (!existsSync(cookiesPath)) {
    return {
      topic,
      state: 'good',
      says: 'none: what asks for a login, and Douyin, is answered with login_required',
    };
  }
  const { mtimeMs, mode } = statSync(cookiesPath);
  const now = Date.now() / 1000;
  const age = `${Math.floor((now - mtimeMs / 1000) / DAY_SECONDS)} days old`;
  const cookies = readCookies(cookiesPath);
  if (typeof cookies === 'string') {
    const says = `the file cannot be read (${cookies}): the service goes on without`;
    return { topic, state: 'warn', says, fix: 'give COOKIES_PATH a file that the service may read' };
  }
  if (cookies.length === 0) {
    const fix = 'export it again in the Netscape format';
    return { topic, state: 'warn', says: `the file, ${age}, has no cookie in it`, fix };
  }
  const session = cookies.filter(({ name, expires }) => SESSION_COOKIES.has(name) && expires > 0);
  const ends = Math.min(...session.map(({ expires }) => expires));
  const days = Math.floor((ends - now) / DAY_SECONDS);
  const fix = 'log in with a browser and export the cookies again';
  if (session.length > 0 && days < SOON_DAYS) {
    const says = `${age}; the session ${days < 0 ? 'has ended' : `ends in ${days} days`}`;
    return { topic, state: 'warn', says, fix };
  }
  if ((mode & 0o077) !== 0) {
    return { topic, state: 'warn', says: `${age}; others may read them`, fix: 'chmod 600 the cookies file' };
  }
  const life = session.length > 0 ? `the session lasts ${days} more days` : 'no session of a login in them';
  return { topic, state: 'good', says: `${cookies.length} cookies, ${age}; ${life}` };
}

/**
 * @param {string} path of a file in the Netscape format
 * @returns {{ name: string, expires: number }[] | string} Unix seconds, 0 for those that end with the browser; or why
 *   there are none
 */
function readCookies(path) {
  let text;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/^#HttpOnly_/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'))
    .filter((fields) => fields.length >= 7)
    .map(([, , , , expires, name = '']) => ({ name, expires: Number(expires) }));
}

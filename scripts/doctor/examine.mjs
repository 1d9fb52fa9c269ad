// @ts-check
import { loadService } from '../engine/service.mjs';
import { examineCloudflare } from './cloudflare.mjs';
import { examineCookiesFile } from './cookies.mjs';
import { examineEngine } from './engine.mjs';
import { examineNames } from './network.mjs';
import { examineProxies } from './proxy.mjs';
import { examineRunning } from './running.mjs';
import { examineBaseUrl, examineDisk, examineFfmpeg, examineKey } from './settings.mjs';

/** @typedef {import('./page.mjs').Finding} Finding */

/**
 * Runs all checks.
 * @param {string} root the project's folder
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Finding[]>} causes before what they cause
 */
export async function examine(root, env) {
  const { settings, ffmpeg } = await loadService();
  let config;
  try {
    config = settings.loadConfig(env);
  } catch (error) {
    if (!(error instanceof settings.ConfigError)) throw error;
    // The message begins with the variable's name.
    const fix = `correct ${error.message.split(' ', 1)[0]}, in .env or the environment`;
    return [{ topic: 'Settings', state: 'error', says: error.message, fix }];
  }
  const findings = await Promise.all([
    safely('Key', () => examineKey(root, config)),
    safely('BASE_URL', () => examineBaseUrl(config)),
    safely('Disk', () => examineDisk(config)),
    safely('ffmpeg', () => examineFfmpeg(ffmpeg.locateFfmpeg(root, env))),
    safely('Proxy', () => examineProxies(config)),
    safely('Names', () => examineNames(config)),
    safely('Cloudflare', () => examineCloudflare(config)),
    safely('Cookies', () => examineCookiesFile(root, config)),
    safely('Engine', () => examineEngine(root, config)),
    safely('Service', () => examineRunning(config)),
  ]);
  return findings.flat();
}

/**
 * A check that fails is a finding, and the others still run.
 * @param {string} topic
 * @param {() => Finding[] | Promise<Finding[]>} check
 * @returns {Promise<Finding[]>}
 */
async function safely(topic, check) {
  try {
    return await check();
  } catch (error) {
    const says = `the check failed: ${error instanceof Error ? error.message : error}`;
    return [{ topic, state: 'error', says, fix: 'see the message' }];
  }
}

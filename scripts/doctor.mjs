// @ts-check
/**
 *   npm run doctor
 *
 * One page for a person: what this machine has, what is wrong, and what to mend first. Exit code 1 where something
 * essential is broken. Asks VPN and Redis whether they are there and proxies for a way to TikTok, TikTok itself only where
 * CANARY_URL is set; prints no secret.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { config as loadDotenv } from 'dotenv';
import { examineEngine } from './doctor/engine.mjs';
import { examineDisk, examineFfmpeg, examineNode } from './doctor/machine.mjs';
import { examineProxies, examineRedis, examineService, examineVpn } from './doctor/network.mjs';
import { print } from './doctor/page.mjs';
import { examineCookies, examineKey } from './doctor/secrets.mjs';
import { loadService } from './engine/service.mjs';

/** @typedef {import('./doctor/page.mjs').Finding} Finding */

const root = dirname(dirname(fileURLToPath(import.meta.url)));
loadDotenv({ quiet: true, path: process.env.DOTENV_CONFIG_PATH ?? join(root, '.env') });
const { settings } = await loadService();

/** @returns {import('../src/config.ts').Config | string} */
function readConfig() {
  try {
    return settings.loadConfig(process.env);
  } catch (error) {
    if (error instanceof settings.ConfigError) return error.message;
    throw error;
  }
}

const config = readConfig();
if (typeof config === 'string') {
  // The message begins with the variable's name.
  const fix = `set ${config.split(' ', 1)[0]} right, in .env or the environment`;
  process.exitCode = print([{ topic: 'Settings', state: 'bad', says: config, fix }]);
} else {
  // What depends on another comes after it: of two that are broken, the first may be all that is wrong.
  const findings = await Promise.all([
    examineNode(root),
    examine('Disk', () => examineDisk(config)),
    examine('Key', () => examineKey(root, config)),
    examine('ffmpeg', () => examineFfmpeg(root)),
    examine('Proxy', () => examineProxies(config)),
    examine('VPN', () => examineVpn(config)),
    examine('Cookies', () => examineCookies(config)),
    examine('Redis', () => examineRedis(config)),
    examine('Engine', () => examineEngine(root, config)),
    examine('Service', () => examineService(config)),
  ]);
  process.exitCode = print(findings.flat());
}

/**
 * What nobody thought of is a finding too, not the end of the page.
 * @param {string} topic
 * @param {() => Finding | Finding[] | Promise<Finding | Finding[]>} look
 * @returns {Promise<Finding | Finding[]>}
 */
async function examine(topic, look) {
  try {
    return await look();
  } catch (error) {
    const says = `cannot be looked at: ${error instanceof Error ? error.message : error}`;
    return { topic, state: 'bad', says, fix: 'see what the message names' };
  }
}

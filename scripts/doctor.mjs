// @ts-check
/**
 *   npm run doctor
 *
 * One page for a person: what this machine has, what is wrong, and what to mend first. Exit code 1 where something
 * essential is broken. Asks proxies, VPN and Redis whether they are there, TikTok only where CANARY_URL is set; prints
 * no secret.
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { config as loadDotenv } from 'dotenv';
import { examineEngine } from './doctor/engine.mjs';
import { examineDisk, examineFfmpeg, examineNode } from './doctor/machine.mjs';
import { examineProxies, examineRedis, examineService, examineVpn } from './doctor/network.mjs';
import { print } from './doctor/page.mjs';
import { examineCookies, examineKey } from './doctor/secrets.mjs';
import { loadService } from './engine/service.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
loadDotenv({ quiet: true });
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
  process.exitCode = print([
    { topic: 'Settings', state: 'bad', says: config, fix: 'mend the variable in .env' },
  ]);
} else {
  const findings = await Promise.all([
    examineNode(root),
    examineEngine(root, config),
    examineFfmpeg(root),
    examineKey(root, config),
    examineCookies(config),
    examineProxies(config),
    examineVpn(config),
    examineRedis(config),
    examineDisk(config),
    examineService(config),
  ]);
  process.exitCode = print(findings.flat());
}

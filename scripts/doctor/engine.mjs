// @ts-check
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadService, verifyEngine } from '../engine/service.mjs';
import { compareVersions } from '../setup/engine/shared.mjs';

/** @typedef {import('./page.mjs').Finding} Finding */

/** TikTok changes about once a month, and yt-dlp follows within days. */
const OLD_DAYS = 45;

const OTHER_POST = 'set CANARY_URL to a public post that is available here';
const CONNECTION = 'check the network, the proxies and EXTRA_CA_CERTS';
/** @type {Record<string, string>} */
const CANARY_FIXES = {
  ...{
    post_not_found: OTHER_POST,
    post_private: OTHER_POST,
    login_required: OTHER_POST,
    region_blocked: OTHER_POST,
  },
  ...{ timeout: CONNECTION, upstream_failed: CONNECTION },
  extractor_outdated: 'npm run engine:update',
  ip_blocked: 'TikTok blocks this address: use other egresses (PROXY_URLS, GLUETUN_URL) or cookies',
};

/**
 * Starts the engine as the service does, lets it read a made-up page, and CANARY_URL's post where that is set.
 * @param {string} root
 * @param {import('../../src/config.ts').Config} config
 * @returns {Promise<Finding[]>}
 */
export async function examineEngine(root, config) {
  const { engines } = await loadService();
  const { engineDir, engineUpdateCron } = config.extraction;
  const home = engines.engineDirs(root, engineDir);
  const engine = engines.activeEngine(home);
  const runDir = mkdtempSync(join(tmpdir(), 'doctor-'));
  const result = await verifyEngine(engine, config, runDir);
  rmSync(runDir, { recursive: true, force: true });
  const name = `yt-dlp ${engine.ytdlp} (${engine.source})`;
  if (!result.ok) {
    const fix = 'npm run engine:update, or npm run engine:rollback if it is new';
    return [{ topic: 'Engine', state: 'error', says: `${name} does not work: ${result.why}`, fix }];
  }
  /** @type {Finding[]} */
  const findings = [describeEngine(name, engine.ytdlp, engines.readState(home.store))];
  if (result.impersonation) {
    const says = `looks like a browser: ${result.targets.join(', ')}`;
    findings.push({ topic: 'Engine', state: 'ok', says });
  } else {
    const fix = 'give this machine access to PyPI and run `node scripts/setup.mjs engine`';
    const says = 'without browser impersonation, which TikTok often requires';
    findings.push({ topic: 'Engine', state: 'warn', says, fix });
  }
  const unwritable = engineUpdateCron === null ? null : engines.writeProblem(home.store);
  if (unwritable !== null) {
    const fix = 'set ENGINE_DIR to a volume that the service may write to';
    findings.push({ topic: 'Engine', state: 'warn', says: `no updates: ${unwritable}`, fix });
  }
  if (result.canary === 'ok') findings.push({ topic: 'Canary', state: 'ok', says: 'its post was fetched' });
  else if (result.canary) {
    const fix = CANARY_FIXES[result.canary] ?? 'see TikTokExtractionsFail in docs/RUNBOOK.md';
    findings.push({ topic: 'Canary', state: 'error', says: `its post ended with ${result.canary}`, fix });
  }
  return findings;
}

/**
 * @param {string} name
 * @param {string} version
 * @param {Pick<import('../../src/engine/state.ts').EngineState, 'newest' | 'rejected'>} state
 * @returns {Finding}
 */
export function describeEngine(name, version, { newest, rejected }) {
  const days = ageInDays(version);
  const newer = newest !== null && compareVersions(newest.version, version) > 0 ? newest.version : null;
  // A newer version that was rejected is no reason to update.
  const isDue = newer !== null && !rejected.some((one) => compareVersions(one.version, newer) === 0);
  const says = [
    `${name} works; ${days} days old`,
    ...(newer ? [`newest known ${newer}`] : []),
    ...(rejected.length > 0 ? [`rejected: ${rejected.map((one) => one.version).join(', ')}`] : []),
  ].join('; ');
  if (days <= OLD_DAYS && !isDue) return { topic: 'Engine', state: 'ok', says };
  return { topic: 'Engine', state: 'warn', says, fix: 'npm run engine:update' };
}

/** @param {string} version a date */
function ageInDays(version) {
  const [year = 0, month = 1, day = 1] = version.split('.').map(Number);
  return Math.max(0, Math.floor((Date.now() - Date.UTC(year, month - 1, day)) / 86_400_000));
}

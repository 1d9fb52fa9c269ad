// @ts-check
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { findHome, loadService } from '../engine/service.mjs';
import { run } from '../setup/run.mjs';

/** @typedef {import('./page.mjs').Finding} Finding */

/** TikTok changes some time each month, and yt-dlp follows within days. */
const OLD_DAYS = 45;
const TARGETS = join(import.meta.dirname, 'targets.py');

const ANOTHER_POST = 'set CANARY_URL to a post that anybody may see here';
const THE_WAY = 'see whether the network and the proxies work, and what EXTRA_CA_CERTS should be';
/** @type {Record<string, string>} */
const CANARY_FIXES = {
  post_not_found: ANOTHER_POST,
  post_private: ANOTHER_POST,
  login_required: ANOTHER_POST,
  region_blocked: ANOTHER_POST,
  extractor_outdated: 'npm run engine:update',
  ip_blocked: 'TikTok refuses this address: other ways out (PROXY_URLS, GLUETUN_URL) or cookies help',
  timeout: THE_WAY,
  upstream_failed: THE_WAY,
};

/**
 * Starts the engine as the service does, and has it read a made-up page; the canary's post too, where one is set.
 * @param {string} root
 * @param {import('../../src/config.ts').Config} config
 * @returns {Promise<Finding[]>}
 */
export async function examineEngine(root, config) {
  const { extraction, engines, posts } = await loadService();
  const home = await findHome(root);
  const engine = engines.activeEngine(home);
  const { canaryUrl, cookiesPath, timeoutMs, engineUpdateCron } = config.extraction;
  const runDir = mkdtempSync(join(tmpdir(), 'doctor-'));
  const proof = await extraction.verifyEngine({
    engine,
    runDir,
    cookiesPath,
    caFile: config.egress.extraCaFile,
    log: pino({ level: 'silent' }),
    canary:
      canaryUrl === null
        ? null
        : {
            link: posts.findPostLink(canaryUrl),
            proxy: config.egress.proxies[0]?.reveal() ?? null,
            timeoutMs,
          },
  });
  rmSync(runDir, { recursive: true, force: true });
  const name = `yt-dlp ${engine.ytdlp} (${engine.source})`;
  if (!proof.ok) {
    const fix = 'npm run engine:update, or npm run engine:rollback where it is new';
    return [{ topic: 'Engine', state: 'bad', says: `${name} does not work: ${proof.why}`, fix }];
  }
  const { newest, previous, rejected } = engines.readState(home.store);
  const days = ageInDays(engine.ytdlp);
  const old = days > OLD_DAYS;
  const isBehind = newest !== null && engines.compareVersions(newest.version, engine.ytdlp) > 0;
  // One that was rejected is no reason to hurry.
  const due =
    isBehind && !rejected.some(({ version }) => engines.compareVersions(version, newest.version) === 0);
  const behind = isBehind ? `, newest known ${newest.version}` : '';
  const next = previous ?? (home.base && home.base.dir !== engine.dir ? home.base.ytdlp : null);
  const kept = next ? `; ${next} is kept to go back to` : '';
  const refused =
    rejected.length > 0 ? `; rejected: ${rejected.map(({ version }) => version).join(', ')}` : '';
  /** @type {Finding[]} */
  const findings = [
    {
      topic: 'Engine',
      state: old || due ? 'warn' : 'good',
      says: `${name} reads a page; ${days} days old${behind}${kept}${refused}`,
      ...((old || due) && { fix: 'npm run engine:update' }),
    },
    proof.impersonation
      ? {
          topic: 'Impersonation',
          state: 'good',
          says: `looks like ${await browsersOf(engine)} (curl_cffi ${engine.curlCffi})`,
        }
      : {
          topic: 'Impersonation',
          state: 'warn',
          says: 'cannot look like a browser, which TikTok often asks for',
          fix: 'let this machine reach PyPI and run `node scripts/setup.mjs engine`',
        },
  ];
  const unwritable = engines.writeProblem(home.store);
  if (unwritable !== null) {
    findings.push({
      topic: 'Updates',
      state: engineUpdateCron === null ? 'good' : 'warn',
      says: `of the engine are off: ${unwritable}`,
      ...(engineUpdateCron !== null && { fix: 'give ENGINE_DIR a volume that the service may write to' }),
    });
  }
  if (proof.canary) {
    const good = proof.canary === 'ok';
    const says = good ? 'was fetched' : `ended with ${proof.canary}`;
    const fix = CANARY_FIXES[proof.canary] ?? 'see TikTokExtractionsFail in docs/RUNBOOK.md';
    findings.push({
      topic: 'Canary',
      state: good ? 'good' : 'bad',
      says: `its post ${says}`,
      ...(!good && { fix }),
    });
  }
  return findings;
}

/**
 * The newest of each, for yt-dlp has dozens: `chrome 150, edge 101, …`.
 * @param {{ python: string, sysPath: readonly string[] }} engine
 */
async function browsersOf({ python, sysPath }) {
  const { stdout } = await run(python, [TARGETS, ...sysPath], { timeoutMs: 15_000 });
  /** @type {Map<string, number>} */
  const newest = new Map();
  for (const [, browser = '', version] of stdout.matchAll(/^([a-z]+)-([\d.]+)/gm)) {
    newest.set(browser, Math.max(newest.get(browser) ?? 0, Number.parseFloat(version ?? '')));
  }
  const named = [...newest].sort().map(([browser, version]) => `${browser} ${version}`);
  return named.join(', ') || 'a browser';
}

/** @param {string} version yt-dlp's are days */
function ageInDays(version) {
  const [year = 0, month = 1, day = 1] = version.split('.').map(Number);
  return Math.max(0, Math.floor((Date.now() - Date.UTC(year, month - 1, day)) / 86_400_000));
}

// @ts-check
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { loadService } from '../../engine/service.mjs';
import { adviceFor, isAnswered } from './advice.mjs';
import { openFiles } from './files.mjs';
import { saveResponses } from './save.mjs';
import { fileTable, sourceTable } from './tables.mjs';

/** Between two tries at one egress. */
const PACE_MS = 1000;

/** The service opens files with nothing else that it keeps or asks. */
const SETTINGS = {
  NODE_ENV: 'development',
  BASE_URL: 'http://localhost',
  WEB_PAGE: 'false',
  ...{ RATE_LIMIT_MAX: '0', DOWNLOADS_PER_MINUTE: '0', DOWNLOADS_AT_ONCE: '0' },
  ...{ MANAGEMENT_PORT: '', REDIS_URL: '', REDIS_URL_FILE: '', GLUETUN_URL: '' },
  ...{ ENCRYPTION_KEY_FILE: '', CANARY_URL: '', ENGINE_UPDATE_CRON: '' },
};

/**
 * Asks every source for every link at every egress, opens the files of each post, and prints what came.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @param {{
 *   links: readonly string[],
 *   saveDir: string | null,
 *   write: (text: string) => void,
 *   paceMs?: number,
 * }} options saveDir: where the responses go
 * @returns {Promise<number>} the exit code: 1 where a link had no answer
 */
export async function checkLive(root, env, { links, saveDir, write, paceMs = PACE_MS }) {
  const { engines, settings, posts, extraction, egress } = await loadService();
  const parsed = links.map((link) => posts.findPostLink(link));
  const runDir = mkdtempSync(join(tmpdir(), 'doctor-'));
  const ENCRYPTION_KEY = randomBytes(24).toString('base64');
  const config = settings.loadConfig({ ...env, ...SETTINGS, ENCRYPTION_KEY, TEMP_DIR: join(runDir, 'temp') });
  const { cookiesPath, engineDir, timeoutMs } = config.extraction;
  const { extraCaFile: caFile, proxies } = config.egress;
  const log = pino({ level: 'silent' });
  const engine = engines.activeEngine(engines.engineDirs(root, engineDir));
  const check = new extraction.LiveCheck({
    host: { engine, runDir, socketName: 'live.sock', cookiesPath, caFile, log },
    egresses: new egress.EgressPool({ proxies, vpn: null, log }).all,
    timeoutMs,
    paceMs,
    raw: saveDir !== null,
  });
  try {
    const versions = await check.start();
    const rows = [];
    let exitCode = 0;
    for (const link of parsed) {
      const resolved = await check.resolve(link);
      if (!resolved.ok) {
        write(`\n${link.kind === 'short' ? link.url : ''} ${resolved.code} (${resolved.detail})\n`);
        exitCode = 1;
        continue;
      }
      const { ref } = resolved.link;
      const own = await check.ask(ref);
      rows.push(...own);
      if (!isAnswered(own)) exitCode = 1;
      write(`\n${ref.platform} ${ref.id}\n\n${sourceTable(own)}`);
      const first = own.find(({ post }) => post !== null);
      if (!first?.post) continue;
      const files = await openFiles(first.post, { config, root, pace: () => check.pace(first.egress) });
      write(`\n  files by ${first.source} (${first.egress}):\n\n${fileTable(files)}`);
    }
    if (saveDir !== null) {
      const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
      const all = { service: version, node: process.version, ...versions };
      const count = saveResponses(saveDir, rows, check.secrets, all);
      write(`\n${count} responses and manifest.json are in ${saveDir}; read them before you publish them.\n`);
    }
    write(`\n${adviceFor('tiktok', rows)}${adviceFor('douyin', rows)}`);
    return exitCode;
  } finally {
    await check.close();
    rmSync(runDir, { recursive: true, force: true });
  }
}

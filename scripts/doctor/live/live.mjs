// @ts-check
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { loadService } from '../../engine/service.mjs';
import { adviceFor, isAnswered } from './advice.mjs';
import { Asker } from './asker.mjs';
import { openFiles } from './files.mjs';
import { loadModules } from './modules.mjs';
import { saveAnswers } from './save.mjs';
import { fileTable, sourceTable } from './tables.mjs';

/** Between two tries at one egress. */
const PACE_MS = 1000;

/** The service's files are checked without what else it keeps or asks. */
const SETTINGS = {
  NODE_ENV: 'development',
  BASE_URL: 'http://localhost',
  WEB_PAGE: 'false',
  ...{ RATE_LIMIT_MAX: '0', DOWNLOADS_PER_MINUTE: '0', DOWNLOADS_AT_ONCE: '0' },
  ...{ MANAGEMENT_PORT: '', REDIS_URL: '', REDIS_URL_FILE: '', GLUETUN_URL: '' },
  ...{ ENCRYPTION_KEY_FILE: '', CANARY_URL: '', ENGINE_UPDATE_CRON: '' },
};

/**
 * @typedef {import('./asker.mjs').Row} Row
 * @typedef {object} LiveOptions
 * @property {readonly string[]} links
 * @property {string | null} saveDir where the responses go
 * @property {(text: string) => void} write
 * @property {number} [paceMs]
 */

/**
 * Asks every source for every link at every egress, opens the files of the first post, and prints what came.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @param {LiveOptions} options
 * @returns {Promise<number>} the exit code: 1 where a link had no answer
 */
export async function checkLive(root, env, { links, saveDir, write, paceMs = PACE_MS }) {
  const [{ engines, settings, posts }, modules] = await Promise.all([loadService(), loadModules()]);
  const runDir = mkdtempSync(join(tmpdir(), 'doctor-'));
  const ENCRYPTION_KEY = randomBytes(24).toString('base64');
  const config = settings.loadConfig({ ...env, ...SETTINGS, ENCRYPTION_KEY, TEMP_DIR: join(runDir, 'temp') });
  const log = pino({ level: 'silent' });
  const { cookiesPath, engineDir, timeoutMs } = config.extraction;
  const engine = engines.activeEngine(engines.engineDirs(root, engineDir));
  const { extraCaFile: caFile, proxies } = config.egress;
  const host = new modules.HostProcess({ engine, runDir, socketName: 'live.sock', cookiesPath, caFile, log });
  const { all } = new modules.EgressPool({ proxies, vpn: null, log });
  /** @type {Asker[]} */
  let askers = [];
  try {
    const parsed = links.map((link) => posts.findPostLink(link));
    const { targets, ytdlp, curlCffi, python } = await host.start();
    const planner = new modules.SourcePlanner({
      egresses: all.map(({ id }) => id),
      targets: () => targets,
      cookiesPath,
    });
    askers = all.map((egress, index) => {
      const name = egress.proxy ? `proxy ${index + 1}` : 'direct';
      const { socketPath } = host;
      return new Asker(modules, {
        socketPath,
        egress,
        name,
        planner,
        timeoutMs,
        paceMs,
        raw: saveDir !== null,
      });
    });
    const [first] = askers;
    if (!first) throw new Error('no egress');
    /** @type {Row[]} */
    const rows = [];
    let isComplete = true;
    for (const link of parsed) {
      const found =
        link.kind === 'short' ? await first.resolve(link) : { ok: /** @type {const} */ (true), link };
      if (!found.ok) {
        const { url } = /** @type {{ url: string }} */ (link);
        write(`\n${url}\n  not resolved: ${found.code} (${found.detail})\n`);
        isComplete = false;
        continue;
      }
      const { ref } = found.link;
      const own = (await Promise.all(askers.map((asker) => asker.ask(ref)))).flat();
      write(`\n${ref.platform} ${ref.id}\n\n${sourceTable(own)}`);
      const working = own.find(({ post }) => post !== null);
      if (working?.post) {
        const asker = askers.find(({ options }) => options.name === working.egress) ?? first;
        const files = await openFiles(working.post, { modules, config, root, pace: () => asker.pace() });
        write(`\n  Files by ${working.source} (${working.egress}):\n\n${fileTable(files)}`);
      }
      isComplete &&= isAnswered(own);
      rows.push(...own);
    }
    if (saveDir !== null) {
      const secrets = new Set(askers.flatMap((asker) => [...asker.secrets]));
      const versions = { node: process.version, ytdlp, curl_cffi: curlCffi, python };
      const count = saveAnswers(saveDir, rows, secrets, versions);
      write(
        `\n${count} responses and manifest.json are in ${saveDir}; look them over before you publish them.\n`,
      );
    }
    write('\n');
    for (const platform of /** @type {const} */ (['tiktok', 'douyin'])) {
      const own = rows.filter(({ ref }) => ref.platform === platform);
      if (own.length > 0) write(adviceFor(platform, own));
    }
    return isComplete ? 0 : 1;
  } finally {
    for (const asker of askers) asker.close();
    await host.close();
    rmSync(runDir, { recursive: true, force: true });
  }
}

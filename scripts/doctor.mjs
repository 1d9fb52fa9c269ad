// @ts-check
/**
 *   npm run doctor
 *   npm run doctor -- [--save DIR] LINK…
 *
 * Without links: checks settings, files, proxies and the engine, whether or not the service runs, adds what a running one
 * says in /health, and prints what to fix first. Exit code 1 where the service cannot work. Sends requests to TikTok only
 * for CANARY_URL, and to Cloudflare only for TRUST_PROXY=cloudflare; prints no secret.
 *
 * With links: asks TikTok or Douyin for each by every source, browser and egress, one try a second, and prints what came.
 * --save keeps the responses, without cookies, tokens, signatures and addresses. Exit code 1 where a link had no answer.
 */
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { config as loadDotenv } from 'dotenv';
import { examine } from './doctor/examine.mjs';
import { checkLive } from './doctor/live/live.mjs';
import { exitCodeOf, formatPage } from './doctor/page.mjs';

loadDotenv({ quiet: true });
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const write = (/** @type {string} */ text) => void process.stdout.write(text);
try {
  const { values, positionals: links } = parseArgs({
    options: { save: { type: 'string' } },
    allowPositionals: true,
  });
  if (links.length > 0) {
    const saveDir = values.save === undefined ? null : resolve(values.save);
    process.exitCode = await checkLive(root, process.env, { links, saveDir, write });
  } else {
    const findings = await examine(root, process.env);
    write(formatPage(findings));
    process.exitCode = exitCodeOf(findings);
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

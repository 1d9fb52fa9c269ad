// @ts-check
/**
 *   npm run doctor
 *
 * Checks settings, files, proxies and the engine, without a running service, and prints what to fix first. Exit code 1 where
 * the service cannot work. Sends requests to TikTok only for CANARY_URL; prints no secret.
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { config as loadDotenv } from 'dotenv';
import { examine } from './doctor/examine.mjs';
import { exitCodeOf, formatPage } from './doctor/page.mjs';

loadDotenv({ quiet: true });
const findings = await examine(dirname(dirname(fileURLToPath(import.meta.url))), process.env);
process.stdout.write(formatPage(findings));
process.exitCode = exitCodeOf(findings);

/**
 * `npm run demo`: the whole product without the internet. Starts the stand-in for TikTok of the tests and the service
 * behind it, and prints links to try. Real posts do not work here; everything else is the real thing.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { SCENARIOS, SOURCE_SCENARIOS, startStandin } from '../test/helpers/standin/index.ts';

const port = process.env.PORT ?? '3021';
const standin = await startStandin();
const service = spawn(process.execPath, [fileURLToPath(new URL('../dist/main.js', import.meta.url))], {
  env: {
    ...process.env,
    PORT: port,
    PROXY_URLS: standin.proxyUrl,
    EXTRA_CA_CERTS: standin.caFile,
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'warn',
  },
  stdio: ['ignore', 'inherit', 'inherit'],
});
// Ctrl-C reaches the service too; a SIGTERM reaches this process alone.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => service.kill('SIGTERM'));

const all = [...SCENARIOS, ...SOURCE_SCENARIOS];
const width = Math.max(...all.map(({ name }) => name.length));
const list = (scenarios: typeof SCENARIOS) =>
  scenarios.map(({ name, url }) => `  ${name.padEnd(width)}  ${url}`).join('\n');

process.stdout.write(`
The service answers at http://localhost:${port}, the stand-in for TikTok at ${standin.proxyUrl}.

  curl -s http://localhost:${port}/tiktok -H 'content-type: application/json' \\
    -d '{"url":"${SCENARIOS[0]?.url}"}'

${list(SCENARIOS)}

Where TikTok refuses a page or a client, and Douyin without cookies:

${list(SOURCE_SCENARIOS)}

Ctrl-C ends both.
`);

const [code] = (await once(service, 'exit')) as [number | null];
await standin.close();
process.exitCode = code ?? 1;

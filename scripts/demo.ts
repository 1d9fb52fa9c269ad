/**
 * `npm run demo`: the service without the internet, against the tests' stand-in for TikTok. Prints links to try; real posts do not
 * work.
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
// Ctrl-C reaches the whole group; SIGTERM only this process.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => service.kill('SIGTERM'));

const all = [...SCENARIOS, ...SOURCE_SCENARIOS];
const width = Math.max(...all.map(({ name }) => name.length));
const list = (scenarios: typeof SCENARIOS) =>
  scenarios.map(({ name, url }) => `  ${name.padEnd(width)}  ${url}`).join('\n');

process.stdout.write(`
The service listens on http://localhost:${port}; the stand-in for TikTok is ${standin.proxyUrl}.

  curl -s http://localhost:${port}/tiktok -H 'content-type: application/json' \\
    -d '{"url":"${SCENARIOS[0]?.url}"}'

${list(SCENARIOS)}

Where TikTok refuses a page or a client, and Douyin without cookies:

${list(SOURCE_SCENARIOS)}

Ctrl-C stops both.
`);

const [code] = (await once(service, 'exit')) as [number | null];
await standin.close();
process.exitCode = code ?? 1;

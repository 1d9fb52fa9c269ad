/**
 * `npm run demo`: the whole product without the internet. Starts the tests' stand-in for TikTok and the service
 * against it, and prints links to try. Real posts do not work here; everything else is the real thing.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { SCENARIOS, startStandin } from '../test/helpers/standin/index.ts';

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
// The service hears Ctrl-C itself; a SIGTERM reaches only us.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => service.kill('SIGTERM'));

const width = Math.max(...SCENARIOS.map(({ name }) => name.length));
process.stdout.write(`
The service answers at http://localhost:${port}, TikTok is played by ${standin.proxyUrl}.

  curl -s http://localhost:${port}/tiktok -H 'content-type: application/json' \\
    -d '{"url":"${SCENARIOS[0]?.url}"}'

${SCENARIOS.map(({ name, url }) => `  ${name.padEnd(width)}  ${url}`).join('\n')}

Ctrl-C ends both.
`);

const [code] = (await once(service, 'exit')) as [number | null];
await standin.close();
process.exitCode = code ?? 1;

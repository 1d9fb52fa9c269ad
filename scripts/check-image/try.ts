/**
 * Starts the service that lies in an unpacked image against the tests' stand-in for TikTok and asks it for what a user
 * would. Run by scripts/check-image.sh, with the image's root folder and its `buildah inspect`.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type Standin, scenario, startStandin } from '../../test/helpers/standin/index.ts';

interface ImageConfig {
  User: string;
  Env: string[];
  Entrypoint: string[];
  Cmd: string[];
  StopSignal: NodeJS.Signals;
  Healthcheck: { Test: string[] };
}

const ENTER = fileURLToPath(new URL('./enter.sh', import.meta.url));
const START_LIMIT_MS = 60_000;

const [root = '', inspected = ''] = process.argv.slice(2);
const config = (JSON.parse(readFileSync(inspected, 'utf8')) as { Docker: { config: ImageConfig } }).Docker
  .config;
assert.match(config.User, /^[1-9]\d*:[1-9]\d*$/, 'the image names a user by number who is not root');

const port = await freePort();
const base = `http://127.0.0.1:${port}`;

const entered = new Set<ChildProcess>();
// Also when a check fails. unshare's own --kill-child is lost with the change of user.
process.on('exit', () => {
  for (const child of entered) if (child.exitCode === null) process.kill(initOf(child), 'SIGKILL');
});

function enter(
  standin: Standin,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): ChildProcess {
  const child = spawn('bash', [ENTER, root, standin.caFile, config.User, ...command], {
    env: { ...Object.fromEntries(config.Env.map((line) => line.split(/=(.*)/s).slice(0, 2))), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  entered.add(child);
  return child;
}

/** The first process in the namespaces: everything else in there ends with it. */
function initOf({ pid }: ChildProcess): number {
  const init = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
  // A signal to 0 would be one to ourselves.
  assert(init > 1, 'the namespaces have no first process');
  return init;
}

async function outputOf(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += String(chunk);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  assert(address && typeof address === 'object');
  return address.port;
}

async function ready(service: ChildProcess): Promise<void> {
  const limit = Date.now() + START_LIMIT_MS;
  for (;;) {
    assert.equal(service.exitCode, null, 'the service ended at its start');
    assert(Date.now() < limit, 'the service is not ready in time');
    const answer = await fetch(`${base}/health/ready`).catch(() => null);
    await answer?.arrayBuffer();
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface Answer {
  status: string;
  download_link: { no_watermark_hd?: string; mp3: string };
  download_slideshow_link?: string;
}

async function post(url: string): Promise<Answer> {
  const answer = await fetch(`${base}/tiktok`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url }),
  });
  const body = await answer.text();
  assert.equal(answer.status, 200, body);
  return JSON.parse(body) as Answer;
}

async function bytes(url: string): Promise<Buffer> {
  const answer = await fetch(url);
  const body = Buffer.from(await answer.arrayBuffer());
  assert.equal(answer.status, 200, body.toString('utf8', 0, 300));
  return body;
}

function said(what: string): void {
  process.stdout.write(`  ${what}\n`);
}

const standin = await startStandin();
const environment = {
  PORT: String(port),
  HOST: '127.0.0.1',
  BASE_URL: base,
  MAX_WORKERS: '4',
  ENCRYPTION_KEY: createHash('sha256').update(String(Math.random())).digest('base64'),
  PROXY_URLS: standin.proxyUrl,
  EXTRA_CA_CERTS: '/run/standin/ca.pem',
};

const keyless = enter(standin, config.Cmd, { ...environment, ENCRYPTION_KEY: '' });
assert.equal((await outputOf(keyless)).code, 1, 'without ENCRYPTION_KEY the image must not start');
said('refuses to start without an ENCRYPTION_KEY');

const who = await outputOf(
  enter(
    standin,
    ['sh', '-c', 'id -u; touch /app/dist/x || echo read-only; grep CapEff /proc/self/status'],
    environment,
  ),
);
assert.match(who.output, /^1000\nread-only\nCapEff:\s+0+$/m);
said('user 1000, no capabilities, /app cannot be written to');

const started = Date.now();
const service = enter(standin, [...config.Entrypoint, ...config.Cmd], environment);
const ended = outputOf(service);
await ready(service);
said(`ready ${Date.now() - started} ms after its start`);

const health = (await (await fetch(`${base}/health`)).json()) as {
  status: string;
  ytdlp: string;
  ffmpeg: boolean;
  engine: { python: string; curl_cffi: string | null; impersonation: boolean };
};
assert.equal(health.status, 'ok', JSON.stringify(health));
assert(health.engine.impersonation && health.ffmpeg);
said(
  `health ${health.status}: yt-dlp ${health.ytdlp}, curl_cffi ${health.engine.curl_cffi}, Python ${health.engine.python}`,
);

const [, ...healthCheck] = config.Healthcheck.Test;
assert.equal((await outputOf(enter(standin, healthCheck, environment))).code, 0);
said('HEALTHCHECK passes');

const page = await fetch(`${base}/`, { headers: { accept: 'text/html' } });
assert.equal(page.status, 200, await page.text());
assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
said('the web page');

const video = await post(scenario('video').url);
assert.equal(video.status, 'tunnel');
const film = await bytes(video.download_link.no_watermark_hd ?? '');
assert.equal(film.toString('latin1', 4, 8), 'ftyp');
said(`POST /tiktok and a video of ${film.length} bytes`);

const sound = await bytes(video.download_link.mp3);
assert(sound.toString('latin1', 0, 3) === 'ID3' || (sound[0] === 0xff && ((sound[1] ?? 0) & 0xe0) === 0xe0));
said(`an MP3 of ${sound.length} bytes`);

const photos = await post(scenario('photos, 3').url);
assert.equal(photos.status, 'picker');
const slideshow = await bytes(photos.download_slideshow_link ?? '');
assert.equal(slideshow.toString('latin1', 4, 8), 'ftyp');
said(`a slideshow of ${slideshow.length} bytes`);

// To tini, as a container runtime does: enter.sh only waits for it.
process.kill(initOf(service), config.StopSignal);
assert.equal((await ended).code, 0, 'the end after the stop signal');
said(`${config.StopSignal} ends it with 0`);
assert.notEqual((await outputOf(enter(standin, healthCheck, environment))).code, 0);
said('HEALTHCHECK fails now');
await standin.close();

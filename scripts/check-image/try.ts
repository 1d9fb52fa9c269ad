/**
 * Starts the service of an unpacked image against the stand-in for TikTok, and requests a post and an MP3. Run by
 * scripts/check-image.sh with the image's root folder and the file with its `buildah inspect`.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/helpers/service.ts';
import { scenario, startStandin } from '../../test/helpers/standin/index.ts';

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
const { config: image } = JSON.parse(readFileSync(inspected, 'utf8')).Docker as { config: ImageConfig };
const standin = await startStandin();
const port = await freePort();
const base = `http://127.0.0.1:${port}`;
const managementPort = await freePort();
const management = `http://127.0.0.1:${managementPort}`;
const settings = {
  ...Object.fromEntries(image.Env.map((line) => line.split(/=(.*)/s).slice(0, 2))),
  HOME: '/home/node',
  PORT: String(port),
  MANAGEMENT_PORT: String(managementPort),
  HOST: '127.0.0.1',
  BASE_URL: base,
  MAX_WORKERS: '4',
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  PROXY_URLS: standin.proxyUrl,
  EXTRA_CA_CERTS: '/run/standin/ca.pem',
};
const running = new Map<ChildProcess, { output: string }>();
process.on('exit', () => {
  for (const [child, { output }] of running) {
    process.stderr.write(`still running, its output:\n${output.slice(-5000)}\n`);
    process.kill(initOf(child), 'SIGKILL');
  }
});

/** Starts a command inside the image, as a container runtime would. */
function enter(command: readonly string[], env: Readonly<Record<string, string>> = settings) {
  const args = [ENTER, root, standin.caFile, image.User, ...command];
  const child = spawn('bash', args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const written = { output: '' };
  running.set(child, written);
  child.stdout.on('data', (chunk) => {
    written.output += String(chunk);
  });
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child);
    return { code: code as number | null, output: written.output };
  });
  return { child, ended };
}

/** The first process of the namespaces: all others end with it. */
function initOf({ pid }: ChildProcess): number {
  const init = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
  // Signals to 0 would reach this process.
  assert(init > 1, 'the namespaces have no first process');
  return init;
}

async function fetchBytes(url: string): Promise<Buffer> {
  const response = await fetch(url);
  const body = Buffer.from(await response.arrayBuffer());
  assert.equal(response.status, 200, body.toString('utf8', 0, 300));
  return body;
}

function report(what: string): void {
  process.stdout.write(`  ${what}\n`);
}

assert.match(image.User, /^[1-9]\d*:[1-9]\d*$/, 'the image names a user by number who is not root');
const keyless = await enter(image.Cmd, { ...settings, ENCRYPTION_KEY: '' }).ended;
assert.equal(keyless.code, 1, 'the image must not start without ENCRYPTION_KEY');
const whoami = 'id -u; touch /app/dist/x || echo read-only; grep CapEff /proc/self/status';
assert.match((await enter(['sh', '-c', whoami]).ended).output, /^1000\nread-only\nCapEff:\s+0+$/m);
report('does not start without ENCRYPTION_KEY; user 1000, no capabilities, /app is read-only');

const began = Date.now();
const service = enter([...image.Entrypoint, ...image.Cmd]);
while (!(await fetch(`${base}/health/ready`).catch(() => null))?.ok) {
  assert(
    service.child.exitCode === null && Date.now() - began < START_LIMIT_MS,
    'the service does not start',
  );
  await sleep(50);
}
report(`ready after ${Date.now() - began} ms`);
const health = JSON.parse((await fetchBytes(`${management}/health`)).toString());
assert.equal(health.status, 'ok', JSON.stringify(health));
assert(health.engine.impersonation && health.ffmpeg, JSON.stringify(health));
const [, ...healthCheck] = image.Healthcheck.Test;
assert.equal((await enter(healthCheck).ended).code, 0, 'HEALTHCHECK');
report(
  `healthy: yt-dlp ${health.ytdlp}, curl_cffi ${health.engine.curl_cffi}, Python ${health.engine.python}`,
);

const response = await fetch(`${base}/tiktok`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ url: scenario('video').url }),
});
const post = (await response.json()) as { download_link: { no_watermark_hd: string; mp3: string } };
assert.equal(response.status, 200, JSON.stringify(post));
const video = await fetchBytes(post.download_link.no_watermark_hd);
assert.equal(video.toString('latin1', 4, 8), 'ftyp');
const mp3 = await fetchBytes(post.download_link.mp3);
assert.match(mp3.toString('latin1', 0, 3), /^(ID3|\xff[\xe0-\xff])/);
report(`a post: a video of ${video.length} bytes, an MP3 of ${mp3.length} bytes`);

// To tini, as a container runtime does.
process.kill(initOf(service.child), image.StopSignal);
const { code, output } = await service.ended;
assert.equal(code, 0, `after ${image.StopSignal}: ${output.slice(-2000)}`);
assert.notEqual((await enter(healthCheck).ended).code, 0, 'HEALTHCHECK fails when the service is gone');
report(`${image.StopSignal} ends it with exit code 0`);
await standin.close();

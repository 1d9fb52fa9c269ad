/**
 * Starts the service that lies in an unpacked image against the tests' stand-in for TikTok and asks it for what a user
 * would. Run by scripts/check-image.sh, with the image's root folder and its `buildah inspect`.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { scenario, startStandin } from '../../test/helpers/standin/index.ts';
import { freePort, healthOf, Image, post, said } from './container.ts';
import { tryUpdates } from './engines.ts';

const [root = '', inspected = ''] = process.argv.slice(2);

async function bytes(url: string): Promise<Buffer> {
  const answer = await fetch(url);
  const body = Buffer.from(await answer.arrayBuffer());
  assert.equal(answer.status, 200, body.toString('utf8', 0, 300));
  return body;
}

const standin = await startStandin();
const image = new Image(root, inspected, standin.caFile);
const port = await freePort();
const base = `http://127.0.0.1:${port}`;
const env = {
  PORT: String(port),
  HOST: '127.0.0.1',
  BASE_URL: base,
  MAX_WORKERS: '4',
  ENCRYPTION_KEY: createHash('sha256').update(String(Math.random())).digest('base64'),
  PROXY_URLS: standin.proxyUrl,
  EXTRA_CA_CERTS: '/run/standin/ca.pem',
};

const keyless = await image.run(image.config.Cmd, { env: { ...env, ENCRYPTION_KEY: '' } });
assert.equal(keyless.code, 1, 'without ENCRYPTION_KEY the image must not start');
said('refuses to start without an ENCRYPTION_KEY');

const who = await image.run(
  ['sh', '-c', 'id -u; touch /app/dist/x || echo read-only; grep CapEff /proc/self/status'],
  { env },
);
assert.match(who.output, /^1000\nread-only\nCapEff:\s+0+$/m);
said('user 1000, no capabilities, /app cannot be written to');

const started = Date.now();
const service = await image.start({ env });
said(`ready ${Date.now() - started} ms after its start`);

const health = await healthOf(service);
assert.equal(health.status, 'ok', JSON.stringify(health));
assert(health.engine.impersonation && health.ffmpeg);
said(
  `health ${health.status}: yt-dlp ${health.ytdlp}, curl_cffi ${health.engine.curl_cffi}, Python ${health.engine.python}`,
);

const [, ...healthCheck] = image.config.Healthcheck.Test;
assert.equal((await image.run(healthCheck, { env })).code, 0);
said('HEALTHCHECK passes');

const page = await fetch(`${base}/`, { headers: { accept: 'text/html' } });
assert.equal(page.status, 200, await page.text());
assert.match(page.headers.get('content-type') ?? '', /^text\/html/);
said('the web page');

const video = await post(service, scenario('video').url);
assert.equal(video.status, 'tunnel');
const film = await bytes(video.download_link.no_watermark_hd ?? '');
assert.equal(film.toString('latin1', 4, 8), 'ftyp');
said(`POST /tiktok and a video of ${film.length} bytes`);

const sound = await bytes(video.download_link.mp3);
assert(sound.toString('latin1', 0, 3) === 'ID3' || (sound[0] === 0xff && ((sound[1] ?? 0) & 0xe0) === 0xe0));
said(`an MP3 of ${sound.length} bytes`);

const photos = await post(service, scenario('photos, 3').url);
assert.equal(photos.status, 'picker');
const slideshow = await bytes(photos.download_slideshow_link ?? '');
assert.equal(slideshow.toString('latin1', 4, 8), 'ftyp');
said(`a slideshow of ${slideshow.length} bytes`);

await service.stop();
said(`${image.config.StopSignal} ends it with 0`);
assert.notEqual((await image.run(healthCheck, { env })).code, 0);
said('HEALTHCHECK fails now');

await tryUpdates(image, env, health.ytdlp);
await standin.close();

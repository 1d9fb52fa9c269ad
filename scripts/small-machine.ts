/**
 * The service in little memory: `npx tsx scripts/small-machine.ts [minutes=30] [MB=512]`, after `npm run build`, as root.
 * Starts it in a cgroup with that limit and its own defaults, and loads it with posts, videos, MP3s, zips and slideshows.
 * Prints the memory and every kind of answer each minute. Exits 1 after a kill, or where something but `busy` failed.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { makeCgroup } from '../test/helpers/cgroup.ts';
import { type Body, startService } from '../test/helpers/service.ts';
import { photoPost, startStandin } from '../test/helpers/standin/index.ts';

const [, , minutes = '30', megabytes = '512'] = process.argv;
const SERVE = fileURLToPath(new URL('./serve.sh', import.meta.url));
const PHOTOS = 12;
/** Milliseconds between the end of a client's job and its next one. */
const PAUSE_MS = 1000;

const cgroup = makeCgroup(Number(megabytes) * 1024 * 1024);
if (!cgroup) process.exit(1);
const dir = mkdtempSync(join(tmpdir(), 'small-machine-'));
const start = join(dir, 'start.sh');
writeFileSync(start, `echo $$ > ${cgroup.path}/cgroup.procs && exec sh ${SERVE}\n`);
const standin = await startStandin({ journalLimit: 1000 });
const service = await startService(standin, {}, start);
const ends = Date.now() + Number(minutes) * 60_000;
const answers: Record<string, number> = {};

function count(what: string, outcome: string | number): void {
  const key = `${what} ${outcome}`;
  answers[key] = (answers[key] ?? 0) + 1;
}

/** A figure of the cgroup, of version 1 or 2; null where this version has another. */
function figure(file: string, pattern = /^(\d+)/m): number | null {
  try {
    return Number(pattern.exec(readFileSync(`${cgroup?.path}/${file}`, 'utf8'))?.[1] ?? 0);
  } catch {
    return null;
  }
}

const kills = () =>
  figure('memory.oom_control', /^oom_kill (\d+)/m) ?? figure('memory.events', /^oom_kill (\d+)/m) ?? 0;
const peak = () => figure('memory.max_usage_in_bytes') ?? figure('memory.peak') ?? 0;
const anonymous = () => figure('memory.stat', /^(?:rss|anon) (\d+)/m) ?? 0;

async function pull(what: string, link: unknown): Promise<void> {
  if (typeof link !== 'string') return count(what, 'no link');
  const response = await fetch(link);
  const bytes = await response.arrayBuffer();
  const code = response.ok ? '' : ` ${(JSON.parse(Buffer.from(bytes).toString()) as Body).code}`;
  count(what, `${response.status}${code}`);
}

async function post(url: string): Promise<Body | null> {
  const { status, body } = await service.post(url);
  count('post', status === 200 ? 200 : `${status} ${body.code}`);
  return status === 200 ? body : null;
}

let lastId = 7_430_000_000_000_000_000n;

/** New posts and their videos; every tenth becomes an MP3 as well. */
async function video(): Promise<void> {
  lastId += 1n;
  const body = await post(`https://www.tiktok.com/@small/video/${lastId}`);
  if (!body) return;
  await pull('video', body.download_link?.no_watermark);
  if (lastId % 10n === 0n) await pull('mp3', body.download_link?.mp3);
}

async function photos(): Promise<void> {
  const { id } = standin.posts.add(photoPost({ photos: PHOTOS }));
  const body = await post(`https://www.tiktok.com/@small/photo/${id}`);
  if (!body) return;
  await pull('zip', body.download_link?.zip);
  await pull('slideshow', body.download_slideshow_link);
}

async function repeat(job: () => Promise<void>): Promise<void> {
  while (Date.now() < ends) {
    await job().catch((error: Error) => count('request', error.message));
    await sleep(PAUSE_MS);
  }
}

const clients = Promise.all([
  ...Array.from({ length: 8 }, () => repeat(video)),
  repeat(photos),
  repeat(photos),
]);
const MB = 1024 * 1024;
const report = () =>
  process.stdout.write(
    `${new Date().toISOString()} anonymous ${Math.round(anonymous() / MB)} MB, peak with cache ${Math.round(peak() / MB)} MB, kills ${kills()} ${JSON.stringify(answers)}\n`,
  );
while (Date.now() < ends) {
  await sleep(Math.min(60_000, Math.max(0, ends - Date.now())));
  report();
}
await clients;
report();
const killed = kills();
const failed = Object.keys(answers).filter((key) => !/ 200$| busy$/.test(key));
const code = await service.stop();
await standin.close();
cgroup.remove();
rmSync(dir, { recursive: true });
process.stdout.write(`exit code ${code}, kills ${killed}, failures: ${failed.join(', ') || 'none'}\n`);
process.exitCode = killed > 0 || failed.length > 0 || code !== 0 ? 1 : 0;

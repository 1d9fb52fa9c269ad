import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { TempStore } from '../../src/temp/index.ts';

vi.setConfig({ testTimeout: 30_000 });

let dir: string;
let logged: object[];
const log = {
  info: (what: object) => void logged.push(what),
  warn: (what: object) => void logged.push(what),
};
const open = async (at = dir) => {
  const store = new TempStore({ dir: at, log });
  await store.open();
  return store;
};

beforeEach(async () => {
  logged = [];
  dir = await mkdtemp(join(tmpdir(), 'temp-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/** Starts another service on the same TEMP_DIR; resolves with its job folder. */
async function startService(at = dir): Promise<{ service: ChildProcess; job: string }> {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const script = fileURLToPath(new URL('./service.ts', import.meta.url));
  const service = spawn(process.execPath, ['--import', tsx, script, at], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(service.stdout, 'data');
  return { service, job: String(line).trim() };
}

async function crash(service: ChildProcess) {
  service.kill('SIGKILL');
  await once(service, 'exit');
}

it('creates a missing TEMP_DIR, gives each job a folder, and leaves nothing behind', async () => {
  const store = await open(join(dir, 'not', 'there'));
  const [a, b] = await Promise.all([store.createJob('slideshow'), store.createJob('slideshow')]);
  expect(a.path).not.toBe(b.path);
  await mkdir(join(a.path, 'deep', 'er'), { recursive: true });
  await writeFile(join(a.path, 'deep', 'er', 'file'), 'x');
  expect(store.inUse).toBe(2);
  await a.dispose();
  await a.dispose();
  expect([await exists(a.path), await exists(b.path), store.inUse]).toEqual([false, true, 1]);
  await store.close();
  expect(await readdir(join(dir, 'not', 'there'))).toEqual([]);
});

it('removes the folders of a killed service when the next one opens', async () => {
  const { service, job } = await startService();
  await crash(service);
  expect(await exists(job)).toBe(true);
  const store = await open();
  expect(await exists(dirname(job))).toBe(false);
  expect(logged[0]).toMatchObject({ files: 3, bytes: expect.any(Number) });
  await store.close();
});

it('keeps the folders of a running service, at opening and in sweeps, until it dies', async () => {
  const { service, job } = await startService();
  const store = await open();
  expect(await store.sweep({ olderThanMs: 0 })).toEqual({ files: 0, bytes: 0 });
  expect(await exists(job)).toBe(true);
  await crash(service);
  const freed = await store.sweep({ olderThanMs: 3_600_000 });
  expect(freed.bytes).toBeGreaterThanOrEqual(1000);
  expect(await exists(job)).toBe(false);
  await store.close();
});

it('tells running services from dead ones in a TEMP_DIR too deep for a socket address', async () => {
  const deep = join(dir, 'd'.repeat(100), 'e'.repeat(60));
  const { service, job } = await startService(deep);
  const store = await open(deep);
  expect(await exists(job)).toBe(true);
  await crash(service);
  await store.sweep({ olderThanMs: 0 });
  expect(await exists(job)).toBe(false);
  await store.close();
});

it('uses the heartbeat when the owner runs on another machine', async () => {
  const store = await open();
  const { service, job } = await startService();
  await crash(service);
  const owner = join(dirname(job), 'owner.json');
  await writeFile(owner, (await readFile(owner, 'utf8')).replace(/"boot":"[^"]*"/, '"boot":"another"'));
  await store.sweep({ olderThanMs: 0 });
  expect(await exists(job)).toBe(true);
  await utimes(owner, 0, (Date.now() - 200_000) / 1000);
  await store.sweep({ olderThanMs: 0 });
  expect(await exists(job)).toBe(false);
  await store.close();
});

it('sweeps what is old and not in use, and only that', async () => {
  const store = await open();
  const job = await store.createJob('used');
  const run = dirname(job.path);
  const left = join(run, 'slideshow-left');
  await mkdir(left);
  await writeFile(join(left, 'file'), Buffer.alloc(100));
  expect(await store.sweep({ olderThanMs: 60_000 })).toEqual({ files: 0, bytes: 0 });
  for (const path of [left, job.path]) await utimes(path, 0, (Date.now() - 61_000) / 1000);
  expect(await store.sweep({ olderThanMs: 60_000 })).toEqual({ files: 1, bytes: 100 });
  expect([await exists(left), await exists(job.path)]).toEqual([false, true]);
  await store.close();
});

it('never removes files of others, and follows no link', async () => {
  const outside = join(dir, 'outside');
  await mkdir(outside);
  await writeFile(join(outside, 'precious'), 'x');
  const place = join(dir, 'temp');
  // A file of others, a folder of others with a name like ours, and links with such names.
  await mkdir(join(place, 'run-0123456789abcdef'), { recursive: true });
  await writeFile(join(place, 'run-0123456789abcdef', 'theirs'), 'x');
  await writeFile(join(place, 'run-0123456789abcdef', 'owner.json'), '{"service":"another"}');
  await mkdir(join(place, 'slideshow-old'));
  await writeFile(join(place, '.gitkeep'), '');
  await symlink(outside, join(place, 'run-fedcba9876543210'));
  for (const name of await readdir(place)) await utimes(join(place, name), 0, 1000);
  const store = await open(place);
  const run = dirname((await store.createJob('x')).path);
  await mkdir(join(run, 'left'));
  await symlink(outside, join(run, 'left', 'link'));
  await symlink(outside, join(run, 'link'));
  await utimes(join(run, 'left'), 0, 1000);
  expect((await store.sweep({ olderThanMs: 60_000 })).files).toBe(1);
  await store.close();
  expect((await readdir(place)).sort()).toEqual([
    '.gitkeep',
    'run-0123456789abcdef',
    'run-fedcba9876543210',
    'slideshow-old',
  ]);
  expect(await readdir(join(place, 'run-0123456789abcdef'))).toEqual(['owner.json', 'theirs']);
  expect(await readdir(outside)).toEqual(['precious']);
});

it('ignores folders that vanish meanwhile', async () => {
  const store = await open();
  const run = dirname((await store.createJob('x')).path);
  for (let i = 0; i < 30; i++) {
    await mkdir(join(run, `left-${i}`));
    for (let j = 0; j < 10; j++) await writeFile(join(run, `left-${i}`, `${j}`), 'x');
  }
  const racing = readdir(run).then((names) =>
    Promise.all(
      names
        .filter((name) => name.startsWith('left'))
        .map((name) => rm(join(run, name), { recursive: true, force: true })),
    ),
  );
  await Promise.all([store.sweep({ olderThanMs: 0 }), store.sweep({ olderThanMs: 0 }), racing]);
  expect((await readdir(run)).filter((name) => name.startsWith('left'))).toEqual([]);
  await rm(dir, { recursive: true });
  expect(await store.sweep({ olderThanMs: 0 })).toEqual({ files: 0, bytes: 0 });
  await store.close();
});

it('knows the free bytes', async () => {
  const store = await open();
  expect(await store.freeBytes()).toBeGreaterThan(0);
  await store.close();
});

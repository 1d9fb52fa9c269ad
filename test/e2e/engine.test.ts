/** Engines that change under a running service: no request may be lost, and no visitor meet a broken release. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MENDED, UNREADABLE_FOR_REAL } from '../helpers/engine/bad-releases.ts';
import { makeProject, type Project } from '../helpers/engine/project.ts';
import { ownEngine } from '../helpers/engine.ts';
import { pythonTree, until } from '../helpers/processes.ts';
import { type Service, startService } from '../helpers/service.ts';
import { type Standin, startStandin } from '../helpers/standin/index.ts';

let standin: Standin;
let project: Project;
let service: Service;
let first: string;
let lastId = 7_420_000_000_000_000_000n;
/** Whether every page of the stand-in has the shape that nobody can read. */
let blind = false;

beforeAll(async () => {
  standin = await startStandin();
  const get = standin.posts.get.bind(standin.posts);
  standin.posts.get = (id, platform) => {
    const post = get(id, platform);
    return post && blind ? { ...post, behaviour: 'blind' } : post;
  };
});

afterAll(() => standin.close());

beforeEach(() => {
  project = makeProject();
  first = project.current();
  blind = false;
});

afterEach(async () => {
  await service.stop();
  project.remove();
});

const start = async (env: Record<string, string> = {}) => {
  service = await startService(standin, { MAX_WORKERS: '4', ...env }, project.main);
};

const health = async () => (await fetch(`${service.baseUrl}/health`)).json() as Promise<Report>;

interface Report {
  status: string;
  reasons: string[];
  ytdlp: string;
  engine: {
    trial: { succeeded: number; strikes: number } | null;
    rejected: string[];
    newest_known: string | null;
    newest_seen: number | null;
  };
  canary: { failures_in_a_row: number } | null;
}

function ask() {
  lastId += 1n;
  return service.post(`https://www.tiktok.com/@load/video/${lastId}`);
}

/** Posts all the while, until told to stop; resolves to all answers. */
function load() {
  let going = true;
  const visitor = async () => {
    const statuses: (string | number)[] = [];
    while (going) {
      const { status, body } = await ask();
      statuses.push(body.code ?? status);
    }
    return statuses;
  };
  const all = Promise.all(Array.from({ length: 6 }, visitor));
  return async () => {
    going = false;
    return (await all).flat();
  };
}

describe.skipIf(!ownEngine)('a new engine under load', () => {
  it('takes over without a failed request', async () => {
    await start();
    // Nobody has looked for a newer one.
    expect((await health()).engine).toMatchObject({ newest_known: null, newest_seen: null });
    const stop = load();
    await until(() => standin.requests.length > 50, 20_000);
    project.install('2027.1.1', { patches: {} });
    expect(await until(async () => (await health()).ytdlp === '2027.1.1', 30_000)).toBe(true);
    const tried = await until(async () => ((await health()).engine.trial?.succeeded ?? 0) > 20, 20_000);
    expect(tried).toBe(true);
    const statuses = await stop();
    expect(statuses.length).toBeGreaterThan(60);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
  });

  it('that reads no real page is taken back before a visitor meets it', async () => {
    await start();
    const stop = load();
    await until(() => standin.requests.length > 50, 20_000);
    project.install('2027.1.2', UNREADABLE_FOR_REAL);
    expect(await until(async () => (await health()).engine.rejected.includes('2027.1.2'), 30_000)).toBe(true);
    expect(project.current()).toBe(first);
    const statuses = await stop();
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect(await health()).toMatchObject({ status: 'ok', ytdlp: first.split('-')[0] });
    const oneHost = () => {
      const hosts = execFileSync('ps', ['-eo', 'ppid=,args='], { encoding: 'utf8' }).split('\n');
      return (
        hosts.filter((line) => line.includes('host.py') && Number.parseInt(line, 10) === service.pid)
          .length === 1
      );
    };
    expect(await until(oneHost, 10_000)).toBe(true);
    expect(pythonTree(service.pid).host).not.toBeNull();
  });

  it('that does not start is not taken', async () => {
    await start();
    project.install('2027.1.3', { patches: { '^__init__.py': "raise ImportError('poisoned')\n" } });
    expect(await until(() => project.current() === first, 30_000)).toBe(true);
    expect((await ask()).status).toBe(200);
    expect(await health()).toMatchObject({ status: 'ok', ytdlp: first.split('-')[0] });
  });
});

describe.skipIf(!ownEngine)('ENGINE_DIR', () => {
  it('has the engine that a service starts on, takes over and goes back from; its own is always there', async () => {
    const volume = join(project.root, 'volume');
    const ofFirst = first.split('-')[0];
    await start({ ENGINE_DIR: volume });
    expect(await health()).toMatchObject({ ytdlp: ofFirst, engine: { rejected: [] } });
    const stop = load();
    project.install('2027.1.6', { patches: {} }, volume);
    expect(await until(async () => (await health()).ytdlp === '2027.1.6', 30_000)).toBe(true);
    expect((await project.engine(['rollback'], { ENGINE_DIR: volume })).code).toBe(0);
    expect(await until(async () => (await health()).ytdlp === ofFirst, 30_000)).toBe(true);
    expect((await stop()).filter((status) => status !== 200)).toEqual([]);
    await service.stop();

    project.install('2027.1.7', { patches: {} }, volume);
    await start({ ENGINE_DIR: volume });
    expect(await health()).toMatchObject({ status: 'ok', ytdlp: '2027.1.7' });
    await service.stop();

    project.install('2027.1.8', { patches: { '^__init__.py': "raise ImportError('damaged')\n" } }, volume);
    await start({ ENGINE_DIR: volume });
    expect(await health()).toMatchObject({
      status: 'ok',
      ytdlp: ofFirst,
      engine: { rejected: ['2027.1.8'] },
    });
    expect((await ask()).status).toBe(200);
    expect(project.current()).toBe(first);
  }, 150_000);
});

describe.skipIf(!ownEngine)('ENGINE_UPDATE_CRON', () => {
  it('finds, proves and takes a new release while the service runs', async () => {
    await project.publish('2027.1.5', { patches: {} });
    await start({ ENGINE_UPDATE_CRON: '* * * * * *', ...project.index });
    const stop = load();
    expect(await until(async () => (await health()).ytdlp === '2027.1.5', 150_000)).toBe(true);
    const statuses = await stop();
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect(project.current()).toBe('2027.1.5-update');
    const { newest_known: newest, newest_seen: seen } = (await health()).engine;
    expect(newest).toBe('2027.1.5');
    expect(Math.abs(Date.now() / 1000 - (seen ?? 0))).toBeLessThan(300);
    expect((await project.engine(['rollback'])).code).toBe(0);
    expect(await until(async () => (await health()).ytdlp === first.split('-')[0], 30_000)).toBe(true);
    expect((await ask()).status).toBe(200);
  }, 240_000);
});

describe.skipIf(!ownEngine)('a service that goes blind', () => {
  it('says so within a minute, on a quiet night too, and an update mends it without a restart', async () => {
    blind = true;
    await start({ CANARY_URL: 'https://www.tiktok.com/@canary/video/7400000000000000042' });
    const told = async () => {
      const { status, reasons } = await health();
      return status === 'degraded' && /cannot be read by yt-dlp .*npm run engine:update/.test(reasons.join());
    };
    expect(await until(told, 60_000)).toBe(true);
    const { pid } = service;
    project.install('2027.1.4', MENDED);
    expect(await until(async () => (await health()).ytdlp === '2027.1.4', 30_000)).toBe(true);
    const answers = await Promise.all(Array.from({ length: 20 }, ask));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(await until(async () => (await health()).status === 'ok', 40_000)).toBe(true);
    expect(service.pid).toBe(pid);
  }, 150_000);
});

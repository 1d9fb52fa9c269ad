import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { download } from '../helpers/download.ts';
import { type Service, startService } from '../helpers/service.ts';
import { photoPost, type Standin, startStandin, videoPost } from '../helpers/standin/index.ts';
import { descendants } from '../helpers/watch.ts';

const SECRETS = {
  key: 'secret-of-the-links-4711',
  previous: 'secret-of-yesterday-4712',
  redis: 'secret-of-redis-4713',
  gluetun: 'secret-of-gluetun-4714',
  health: 'secret-of-health-4715-long-enough',
  environment: 'secret-of-the-environment-4716',
};
/** Password of `proxyUrlFor`. */
const PROXY_PASSWORD = ':secret@';

/** Where the proxies of the environment lead. */
const loopback = createServer((socket) => socket.on('error', () => {}).destroy());
let arrived = 0;
loopback.on('connection', () => {
  arrived += 1;
});

let standin: Standin;
let service: Service;

beforeAll(async () => {
  await new Promise<void>((resolve) => loopback.listen(0, '127.0.0.1', resolve));
  const { port } = loopback.address() as { port: number };
  const elsewhere = `http://user:${SECRETS.environment}@127.0.0.1:${port}`;
  standin = await startStandin();
  service = await startService(standin, {
    PROXY_URLS: standin.proxyUrlFor('one'),
    ENCRYPTION_KEY: SECRETS.key,
    ENCRYPTION_KEY_PREVIOUS: SECRETS.previous,
    REDIS_URL: `redis://:${SECRETS.redis}@127.0.0.1:1`,
    GLUETUN_API_KEY: SECRETS.gluetun,
    HEALTH_TOKEN: SECRETS.health,
    ...Object.fromEntries(
      ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'].map((name) => [
        name,
        elsewhere,
      ]),
    ),
  });
});

afterAll(async () => {
  await service?.stop();
  await standin?.close();
  loopback.close();
});

function read(pid: number, file: 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** Whether a process descends from the service, by `/proc` alone: fast enough to see what lives for milliseconds. */
function childrenOf(parents: ReadonlySet<number>): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const [, ppid] = /\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'latin1')) ?? [];
      return parents.has(Number(ppid)) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** What was seen of each program while `work` ran: its environments and command lines. */
async function watch(work: Promise<unknown>): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  const own = read(service.pid, 'cmdline');
  let running = true;
  void work.finally(() => {
    running = false;
  });
  while (running) {
    const family = new Set([service.pid]);
    for (let size = 0; size !== family.size; ) {
      size = family.size;
      for (const pid of childrenOf(family)) family.add(pid);
    }
    family.delete(service.pid);
    for (const pid of family) {
      const command = read(pid, 'cmdline');
      const environment = read(pid, 'environ');
      // Between fork and exec a child has both of the service.
      if (command === '' || environment === '' || command === own) continue;
      const program =
        /host\.py|render-process|picture-process|ffmpeg/.exec(command.replaceAll('\0', ' '))?.[0] ?? 'other';
      seen.set(program, `${seen.get(program) ?? ''}${environment}\n${command}\n`);
    }
    await sleep(5);
  }
  await work;
  return seen;
}

describe.skipIf(process.platform !== 'linux')('a child process of the service', () => {
  it('has none of its secrets in its environment or command line', async () => {
    const video = standin.posts.add(videoPost({ music: 'mp3' }));
    const photos = standin.posts.add(photoPost({ photos: ['portrait_1', 'portrait_2', 'portrait_1'] }));
    const seen = await watch(
      (async () => {
        const { body } = await service.post(video.url);
        expect((await download(String(body.download_link?.mp3))).status).toBe(200);
        const album = await service.post(photos.url);
        expect((await download(String(album.body.download_slideshow_link))).status).toBe(200);
        expect((await download(`${album.body.download_link?.zip}&as=jpg`)).status).toBe(200);
      })(),
    );
    expect([...seen.keys()]).toEqual(
      expect.arrayContaining(['host.py', 'render-process', 'picture-process', 'ffmpeg']),
    );
    for (const [program, texts] of seen) {
      for (const secret of [...Object.values(SECRETS), PROXY_PASSWORD, 'PROXY']) {
        expect(texts.includes(secret), `${secret} in ${program}`).toBe(false);
      }
    }
    expect(read(service.pid, 'environ')).toContain(SECRETS.key);
    expect(descendants(service.pid).length).toBeGreaterThan(0);
  });

  it('and the service itself use no proxy of the environment', async () => {
    const post = standin.posts.add(videoPost());
    const short = standin.shortLinks.add(post);
    const { body, status } = await service.post(short.url);
    expect(status).toBe(200);
    expect((await download(String(body.download_link?.no_watermark))).status).toBe(200);
    expect(arrived).toBe(0);
  });
});

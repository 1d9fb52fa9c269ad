/** The log of a whole run: a line for each request, and no secret in it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linkOf } from '../helpers/download.ts';
import { engine } from '../helpers/engine.ts';
import { processes, until } from '../helpers/processes.ts';
import { sendRequest } from '../helpers/request.ts';
import { freePort, KEY, type Service, startService } from '../helpers/service.ts';
import { SCENARIOS, type Standin, scenario, startStandin, videoPost } from '../helpers/standin/index.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const CLIENTS = ['203.0.113.77', '2001:db8:aaaa:bbbb:cccc:dddd:eeee:1'];
/** Password in every proxy address of the stand-in that has an identity. */
const PROXY_PASSWORD = 'secret@';

let standin: Standin;
let service: Service;
/** Every secret of the run. */
const secrets = new Set<string>([KEY, PROXY_PASSWORD, 'redis4711', 'cookie4711', ...CLIENTS]);

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, {
    MAX_WORKERS: '4',
    YTDLP_TIMEOUT: '4',
    LOG_LEVEL: 'trace',
    TRUST_PROXY: 'true',
    PROXY_URLS: standin.proxyUrlFor('somebody'),
    REDIS_URL: 'redis://:redis4711@127.0.0.1:1',
    COOKIES_PATH: join(standin.caFile, '../cookies.txt'),
  });
});

afterAll(async () => {
  await service.stop();
  await standin.close();
});

describe('the log', () => {
  it('has one line for each request, with the times of its parts', async () => {
    const ends = Math.floor(Date.now() / 1000) + 3600;
    writeFileSync(
      join(standin.caFile, '../cookies.txt'),
      `# Netscape HTTP Cookie File\n.tiktok.com\tTRUE\t/\tTRUE\t${ends}\tsessionid\tcookie4711\n`,
    );
    await service.post(scenario('video').url, {
      'x-request-id': 'request-1',
      'x-forwarded-for': CLIENTS[0] ?? '',
    });
    await service.post(scenario('video').url, {
      'x-request-id': 'request-2',
      'x-forwarded-for': CLIENTS[1] ?? '',
    });
    const line = (id: string) => service.log.filter(({ reqId, msg }) => reqId === id && msg === 'request');
    expect(await until(() => line('request-2').length > 0, 5000)).toBe(true);
    expect(line('request-1')).toEqual([
      expect.objectContaining({
        method: 'POST',
        path: '/tiktok',
        status: 200,
        post: expect.stringMatching(/^tiktok:76/),
        cached: false,
        queueMs: expect.any(Number),
        extractionMs: expect.any(Number),
        firstByteMs: expect.any(Number),
        ms: expect.any(Number),
        egress: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        client: '203.0.113.0/24',
      }),
    ]);
    expect(line('request-2')).toEqual([
      expect.objectContaining({ cached: true, client: '2001:db8:aaaa::/48' }),
    ]);
    expect(line('request-2')[0]).not.toHaveProperty('extractionMs');
    const { body } = await service.post(scenario('video').url);
    const link = body.download_link?.no_watermark as string;
    await (await fetch(link, { headers: { 'x-request-id': 'request-3' } })).arrayBuffer();
    expect(await until(() => line('request-3').length > 0, 5000)).toBe(true);
    expect(line('request-3')).toEqual([
      expect.objectContaining({
        path: '/stream',
        status: 200,
        post: expect.stringMatching(/^tiktok:76/),
        firstByteMs: expect.any(Number),
        egress: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      }),
    ]);
  });

  it('says how often a file went on from another response, and how often its links were renewed', async () => {
    const post = standin.posts.add(videoPost());
    const link = await linkOf(service, post);
    const lineOf = async (id: string) => {
      await (await fetch(link, { headers: { 'x-request-id': id } })).arrayBuffer();
      const lines = () => service.log.filter(({ reqId, msg }) => reqId === id && msg === 'request');
      expect(await until(() => lines().length > 0, 5000)).toBe(true);
      return lines()[0];
    };
    standin.faults.once({ post: post.id, part: 'video' }, { kind: 'cut', after: 300_000 });
    expect(await lineOf('request-resumed')).toMatchObject({ status: 200, resumes: 1 });
    standin.expireNow(post);
    expect(await lineOf('request-renewed')).toMatchObject({ status: 200, renewals: 1, source: 'page' });
  });

  it('has a line for a download that the client ends early, and no warning', async () => {
    const link = await linkOf(service, standin.posts.add(videoPost({ bigBytes: 40 * 1024 * 1024 })));
    await sendRequest(link, { leaveAfter: 100_000, headers: { 'x-request-id': 'request-early' } });
    const lines = () => service.log.filter(({ reqId }) => reqId === 'request-early');
    expect(await until(() => lines().some(({ msg }) => msg === 'request'), 5000)).toBe(true);
    expect(lines().filter(({ level }) => Number(level) >= 30)).toEqual([
      expect.objectContaining({
        level: 30,
        path: '/stream',
        status: 200,
        aborted: true,
        code: 'client_gone',
      }),
    ]);
    const { bytes } = lines().find(({ msg }) => msg === 'request') as { bytes: number };
    expect(bytes).toBeGreaterThanOrEqual(100_000);
    expect(bytes).toBeLessThan(30 * 1024 * 1024);
  });

  it('has no token, cookie, password or address of a client in it, whatever fails', async () => {
    for (const { url } of SCENARIOS.filter(({ name }) => !/MiB|dripping|never answering/.test(name))) {
      const { body } = await service.post(url, { 'x-forwarded-for': CLIENTS.join(', ') });
      for (const link of JSON.stringify(body).matchAll(/[?&](?:data|url)=([\w-]{20,})/g))
        secrets.add(link[1] ?? '');
      for (const link of Object.values(body.download_link ?? {})
        .flat()
        .slice(0, 2)) {
        await (await fetch(link, { headers: { range: 'bytes=0-999' } })).arrayBuffer();
      }
    }
    await fetch(`${service.baseUrl}/stream?data=${[...secrets].at(-1)}x`);
    for (const { headers } of standin.requests) {
      for (const cookie of headers.cookie?.split('; ') ?? []) {
        const value = cookie.slice(cookie.indexOf('=') + 1);
        if (value.length > 8) secrets.add(value);
      }
    }
    expect(secrets.size).toBeGreaterThan(100);
    expect(secrets).toContain('cookie4711');
    const log = JSON.stringify(service.log);
    expect(log.length).toBeGreaterThan(10_000);
    expect([...secrets].filter((secret) => log.includes(secret))).toEqual([]);
  });
});

describe('the log in a terminal', () => {
  it('is readable: one line for each request, each with its time, and no secret', async () => {
    const port = await freePort();
    const env = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      HOST: '127.0.0.1',
      PORT: String(port),
      TEMP_DIR: service.tempDir,
      ENCRYPTION_KEY: KEY,
      MAX_WORKERS: '1',
      LOG_LEVEL: 'debug',
      PROXY_URLS: `http://somebody:dead4711@127.0.0.1:1,${standin.proxyUrlFor('somebody')}`,
      EXTRA_CA_CERTS: standin.caFile,
    };
    const inTerminal = 'import pty, sys; pty.spawn(sys.argv[1:])';
    const terminal = spawn(engine.python, ['-c', inTerminal, process.execPath, MAIN], {
      cwd: service.tempDir,
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const exit = once(terminal, 'exit');
    let screen = '';
    terminal.stdout.on('data', (chunk) => (screen += String(chunk)));
    const main = () => processes().find(({ ppid }) => ppid === terminal.pid);
    try {
      expect(await until(() => screen.includes('Server listening'), 30_000)).toBe(true);
      await fetch(`http://127.0.0.1:${port}/tiktok`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ url: scenario('video').url }),
      });
      await fetch(`http://127.0.0.1:${port}/stream?data=${'A'.repeat(50)}`);
      expect(await until(() => /GET \/stream/.test(screen), 5000)).toBe(true);
    } finally {
      const pid = main()?.pid;
      if (pid !== undefined) process.kill(pid, 'SIGTERM');
      await exit;
    }
    const lines = stripVTControlCharacters(screen).split('\r\n');
    const requests = lines.filter((line) => line.includes(': request '));
    expect(requests).toEqual([
      expect.stringMatching(
        /^\[\d\d:\d\d:\d\d\] INFO: request POST \/tiktok 200 in \d+ ms \{.*"post":"tiktok:76\d+".*\}$/,
      ),
      expect.stringMatching(/request GET \/stream 400 in \d+ ms \{.*"code":"link_invalid".*\}$/),
    ]);
    // The dead proxy's failure is logged, its password is not.
    expect(screen).toContain('127.0.0.1:1"');
    expect(screen).not.toMatch(/dead4711|secret@|A{50}/);
    // Every line begins with its time.
    expect(lines.filter((line) => line !== '' && !/^\[\d\d:/.test(line))).toEqual([]);
  });
});

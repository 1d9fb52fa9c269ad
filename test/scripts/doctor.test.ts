import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProject } from '../helpers/engine/project.ts';
import { engine, ownEngine } from '../helpers/engine.ts';
import { type Standin, scenario, startStandin } from '../helpers/standin/index.ts';

const DOCTOR = fileURLToPath(new URL('../../scripts/doctor.mjs', import.meta.url));

let standin: Standin;
let folder: string;

beforeAll(async () => {
  standin = await startStandin();
  folder = mkdtempSync(join(tmpdir(), 'doctor-test-'));
});

afterAll(async () => {
  await standin.close();
  rmSync(folder, { recursive: true, force: true });
});

function doctor(env: Record<string, string>, script = DOCTOR): Promise<{ code: number; page: string }> {
  const given = { PATH: process.env.PATH, HOME: process.env.HOME, TEMP_DIR: folder, PORT: '1', ...env };
  return new Promise((resolve) => {
    execFile(process.execPath, [script], { cwd: folder, env: given }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, page: stdout + stderr });
    });
  });
}

async function listen<S extends Server>(server: S): Promise<S> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe.skipIf(!ownEngine)('the doctor', () => {
  it('finds nothing to mend where all is well', async () => {
    const { code, page } = await doctor({
      PROXY_URLS: standin.proxyUrl,
      EXTRA_CA_CERTS: standin.caFile,
      CANARY_URL: scenario('video').url,
    });
    expect(page).toMatch(/^Nothing to mend\.\n/);
    expect(page).toMatch(/ok +Proxy +\S+ opens a way to TikTok/);
    expect(page).toMatch(/ok +Engine +yt-dlp .* reads a page/);
    if (engine.impersonation)
      expect(page).toMatch(/ok +Impersonation +looks like .*chrome \d+.*, safari \d+/);
    expect(page).toMatch(/ok +Canary +its post was fetched/);
    expect(page).not.toMatch(/^BAD/m);
    expect(code).toBe(0);
  });

  it('says what is broken and what to do first, without a secret', async () => {
    const cookies = join(folder, 'cookies.txt');
    const ended = Math.floor(Date.now() / 1000) - 3600;
    writeFileSync(cookies, `.tiktok.com\tTRUE\t/\tTRUE\t${ended}\tsessionid\tcookie4711\n`, { mode: 0o600 });
    const { code, page } = await doctor({
      PROXY_URLS: 'http://user:proxy4711@127.0.0.1:1',
      REDIS_URL: 'redis://:redis4711@127.0.0.1:1',
      GLUETUN_URL: 'http://127.0.0.1:1',
      GLUETUN_API_KEY: 'gluetun4711',
      ENCRYPTION_KEY: 'key4711key4711key',
      COOKIES_PATH: cookies,
    });
    expect(code).toBe(1);
    expect(page).toMatch(/BAD +Proxy +127\.0\.0\.1:1 does not answer/);
    expect(page).toMatch(/BAD +VPN/);
    expect(page).toMatch(/look +Redis +127\.0\.0\.1:1: nothing listens .*ECONNREFUSED/);
    expect(page).toMatch(/look +Cookies .*the session has ended/);
    expect(page).toMatch(/look +Key/);
    expect(page).toMatch(/^First mend Proxy: see whether 127\.0\.0\.1:1 runs/);
    expect(page).toMatch(/first things first:\n {2}1\. Proxy: [^\n]*\n {2}2\. VPN: /);
    expect(page).not.toMatch(/4711/);
  });

  it('tells a proxy that opens a way from one that only listens, and names the cause before what it causes', async () => {
    const guarded = await startStandin({ credentials: 'user:right' });
    const web = await listen(createHttpServer((_, response) => response.end('hello')));
    const noSocks = await listen(createTcpServer((socket) => socket.end('hello')));
    // RFC 1929: it wants a password, and refuses this one.
    const socks = await listen(
      createTcpServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => {
          socket.write(Buffer.from([5, 2]));
          socket.once('data', () => socket.end(Buffer.from([1, 1])));
        });
      }),
    );
    const openSocks = await listen(
      createTcpServer((socket) => socket.once('data', () => socket.write(Buffer.from([5, 0])))),
    );
    const portOf = (server: Server) => (server.address() as AddressInfo).port;
    const { host } = new URL(guarded.proxyUrl);
    const at = (server: Server) => `127.0.0.1:${portOf(server)}`;
    const ways = [`http://user:pw4711@${host}`, `http://${at(web)}`, `socks5://${at(noSocks)}`];
    const { code, page } = await doctor({
      PROXY_URLS: [...ways, `socks5://user:pw4711@${at(socks)}`].join(),
      CANARY_URL: scenario('video').url,
      YTDLP_TIMEOUT: '5',
    });
    expect(code).toBe(1);
    expect(page).toMatch(new RegExp(`BAD +Proxy +${host} refuses the user or the password`));
    expect(page).toMatch(new RegExp(`BAD +Proxy +${at(web)} does`));
    expect(page).toMatch(new RegExp(`BAD +Proxy +${at(noSocks)} is no SOCKS5 proxy`));
    expect(page).toMatch(new RegExp(`BAD +Proxy +${at(socks)} refuses the user or the password`));
    expect(page).toMatch(/BAD +Canary/);
    expect(page).toMatch(/^First mend Proxy: /);
    expect(page).not.toMatch(/4711/);
    const one = await doctor({
      PROXY_URLS: `${ways[0]},http://user:right@${host},socks5://${at(openSocks)}`,
    });
    expect(one.code).toBe(0);
    expect(one.page).toMatch(/^look +Proxy .*\nok +Proxy .*\nok +Proxy /m);
    for (const server of [web, noSocks, socks, openSocks]) server.close();
    await guarded.close();
  });

  it('says what cannot be read and what is in the way, and goes on', async () => {
    const other = await listen(createHttpServer((_, response) => response.end('hello')));
    const { port } = other.address() as AddressInfo;
    const { code, page } = await doctor({
      COOKIES_PATH: folder,
      PORT: String(port),
      PROXY_URLS: standin.proxyUrl,
      EXTRA_CA_CERTS: standin.caFile,
      CANARY_URL: scenario('unknown id').url,
    });
    other.close();
    expect(code).toBe(1);
    expect(page).toMatch(/look +Cookies +the file cannot be read \(EISDIR\)/);
    expect(page).toMatch(new RegExp(`BAD +Service +port ${port} is taken`));
    expect(page).toMatch(/BAD +Canary +its post ended with post_not_found/);
    expect(page).toMatch(/^First mend Canary: set CANARY_URL to a post/);
  });

  it('minds an engine that is old news, unless the newer one was rejected', async () => {
    const project = makeProject();
    const remember = (rejected: object[]) => {
      const newest = { version: '2027.1.1', seen: new Date().toISOString() };
      const state = join(project.root, '.engine/state.json');
      writeFileSync(state, JSON.stringify({ previous: null, rejected, newest }));
    };
    const script = join(project.root, 'scripts/doctor.mjs');
    remember([]);
    const { page } = await doctor({}, script);
    expect(page).toMatch(/^First mend Engine: npm run engine:update\n/);
    expect(page).toMatch(/look +Engine .*newest known 2027\.1\.1/);
    remember([{ version: '2027.01.01', at: new Date().toISOString(), why: 'worse' }]);
    const { page: later } = await doctor({}, script);
    project.remove();
    expect(later).toMatch(/(ok|look) +Engine .*rejected: 2027\.01\.01/);
    if (!/\b(4[6-9]|[5-9]\d|\d{3,}) days old/.test(later)) expect(later).toMatch(/^Nothing to mend/);
  });

  it('says which setting is wrong', async () => {
    const { code, page } = await doctor({ MAX_WORKERS: 'many' });
    expect(code).toBe(1);
    expect(page).toMatch(/^First mend Settings: set MAX_WORKERS right/);
    expect(page).toMatch(/BAD +Settings +MAX_WORKERS must be/);
  });
});

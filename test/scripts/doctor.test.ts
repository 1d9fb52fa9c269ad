import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeEngine } from '../../scripts/doctor/engine.mjs';
import { examine } from '../../scripts/doctor/examine.mjs';
import { examineNames } from '../../scripts/doctor/network.mjs';
import { exitCodeOf, formatPage } from '../../scripts/doctor/page.mjs';
import { examineProxies } from '../../scripts/doctor/proxy.mjs';
import { examineBaseUrl, examineCookies, examineDisk, examineKey } from '../../scripts/doctor/settings.mjs';
import { loadConfig } from '../../src/config.ts';
import { ownEngine } from '../helpers/engine.ts';
import { type Standin, scenario, startStandin } from '../helpers/standin/index.ts';

const ROOT = join(import.meta.dirname, '../..');
const KEY = 'vX3r9-Qm2Lk8_Tz5Wc7Yb1+Ud4';
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'doctor-test-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the page', () => {
  it('says that there is nothing to fix', () => {
    expect(formatPage([{ topic: 'Key', state: 'ok', says: 'set' }])).toBe(
      'No problems found.\n\nok     Key  set\n',
    );
  });

  it('begins with the first error, before warnings, and numbers what to fix', () => {
    const findings = [
      { topic: 'Disk', state: 'warn', says: 'low', fix: 'free some' },
      { topic: 'Proxy', state: 'error', says: 'dead', fix: 'check it' },
    ] as const;
    expect(formatPage(findings)).toMatch(/^Fix first: Proxy: check it\n/);
    expect(formatPage(findings)).toMatch(
      /in this order:\n {2}1\. Proxy: check it\n {2}2\. Disk: free some\n$/,
    );
    expect([exitCodeOf(findings), exitCodeOf(findings.slice(0, 1))]).toEqual([1, 0]);
  });
});

describe('the settings', () => {
  it('names the wrong setting and looks no further', async () => {
    const findings = await examine(ROOT, { MAX_WORKERS: 'many' });
    expect(findings).toEqual([
      expect.objectContaining({
        topic: 'Settings',
        state: 'error',
        says: expect.stringMatching(/^MAX_WORKERS/),
      }),
    ]);
    expect(formatPage(findings)).toMatch(/^Fix first: Settings: correct MAX_WORKERS/);
  });

  it('warns of a weak key without printing it', () => {
    const [finding] = examineKey(folder, loadConfig({ ENCRYPTION_KEY: 'key4711key4711key' }));
    expect(finding?.state).toBe('warn');
    expect(JSON.stringify(finding)).not.toContain('4711');
    expect(examineKey(folder, loadConfig({ ENCRYPTION_KEY: KEY }))[0]?.state).toBe('ok');
  });

  it('warns of a key file that others can read', () => {
    const file = join(folder, '.encryption-key');
    writeFileSync(file, KEY, { mode: 0o600 });
    expect(examineKey(folder, loadConfig({}))[0]?.state).toBe('ok');
    chmodSync(file, 0o644);
    expect(examineKey(folder, loadConfig({}))[0]).toMatchObject({
      state: 'warn',
      fix: 'chmod 600 .encryption-key',
    });
  });

  it('warns of a missing BASE_URL in production', () => {
    const production = { NODE_ENV: 'production', ENCRYPTION_KEY: KEY };
    expect(examineBaseUrl(loadConfig(production))[0]?.state).toBe('warn');
    expect(examineBaseUrl(loadConfig({ ...production, BASE_URL: 'https://dl.example.com' }))[0]?.state).toBe(
      'ok',
    );
    expect(examineBaseUrl(loadConfig({}))[0]?.state).toBe('ok');
  });

  it('reports a TEMP_DIR that cannot be written to', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(examineDisk(loadConfig({ TEMP_DIR: join(file, 'temp') }))[0]?.state).toBe('error');
    expect(examineDisk(loadConfig({ TEMP_DIR: folder }))[0]?.says).toMatch(/free in TEMP_DIR/);
  });
});

describe('the cookies', () => {
  const inDays = (days: number) => Math.floor(Date.now() / 1000) + days * 86_400 + 60;
  const examineFile = (text: string, mode = 0o600) => {
    const path = join(folder, 'cookies.txt');
    writeFileSync(path, text);
    chmodSync(path, mode);
    return examineCookies(loadConfig({ COOKIES_PATH: path }))[0];
  };
  const cookie = (expires: number, name = 'sessionid') =>
    `# Netscape\n#HttpOnly_.tiktok.com\tTRUE\t/\tTRUE\t${expires}\t${name}\tcookie4711\n`;

  it.each([
    ['an expired session', cookie(inDays(-2)), 0o600, 'warn', /has expired/],
    ['a session that expires soon', cookie(inDays(3)), 0o600, 'warn', /expires in 3 days/],
    ['a session that lasts', cookie(inDays(30)), 0o600, 'ok', /1 cookies, the session lasts 30 more days/],
    ['no login', cookie(inDays(30), 'ttwid'), 0o600, 'ok', /without a login/],
    ['a file that others can read', cookie(inDays(30)), 0o644, 'warn', /other users/],
    ['a file without cookies', 'hello\n', 0o600, 'warn', /no cookies/],
  ] as const)('recognises %s', (_, text, mode, state, says) => {
    expect(examineFile(text, mode)).toMatchObject({ state, says: expect.stringMatching(says) });
  });

  it('warns of a file that cannot be read, and accepts that there is none', () => {
    expect(examineCookies(loadConfig({ COOKIES_PATH: folder }))[0]?.says).toMatch(
      /cannot be read \(EISDIR\)/,
    );
    expect(examineCookies(loadConfig({ COOKIES_PATH: join(folder, 'none') }))[0]?.state).toBe('ok');
  });
});

describe('the proxies', () => {
  const servers: Server[] = [];
  let standin: Standin;

  beforeAll(async () => {
    standin = await startStandin({ credentials: 'user:right' });
  });

  afterAll(async () => {
    for (const server of servers) server.close();
    await standin.close();
  });

  async function listen(server: Server): Promise<string> {
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** A SOCKS5 server that replies with these messages, one to each of the client's. */
  function socks(...replies: number[][]): Promise<string> {
    const onSocket = (socket: Socket) => {
      const left = [...replies];
      socket.on('error', () => {}).on('data', () => socket.write(Buffer.from(left.shift() ?? [])));
    };
    return listen(createTcpServer(onSocket));
  }

  const examineUrls = (urls: readonly string[]) => examineProxies(loadConfig({ PROXY_URLS: urls.join() }));

  it('tells proxies that connect to TikTok from those that do not', async () => {
    const { host } = new URL(standin.proxyUrl);
    const web = await listen(createHttpServer((_, response) => response.end('hello')));
    const noSocks = await listen(createTcpServer((socket) => socket.end('hello')));
    const closing = await listen(createTcpServer((socket) => socket.on('error', () => {}).end()));
    const withPassword = await socks([5, 2], [1, 1]);
    const open = await socks([5, 0]);
    const urls = [
      `http://user:right@${host}`,
      `http://user:pw4711@${host}`,
      'http://user:pw4711@127.0.0.1:1',
      `http://${web}`,
      `socks5://${noSocks}`,
      `socks5://${closing}`,
      `socks5://user:pw4711@${withPassword}`,
      `socks5://${open}`,
    ];
    const findings = await examineUrls(urls);
    expect(findings.map(({ says }) => says)).toEqual([
      `${host} works`,
      `${host} rejects the user or password in PROXY_URLS`,
      '127.0.0.1:1 does not answer as a proxy (ECONNREFUSED)',
      expect.stringMatching(`${web} does not answer as a proxy`),
      `${noSocks} is not a SOCKS5 proxy`,
      `${closing} is not a SOCKS5 proxy: it closed the connection`,
      `${withPassword} rejects the user or password in PROXY_URLS`,
      `${open} works`,
    ]);
    expect(findings.map(({ state }) => state)).toContain('warn');
    expect(findings.map(({ state }) => state)).not.toContain('error');
    expect(JSON.stringify(findings)).not.toContain('4711');
  });

  it('reports an error only where no proxy works', async () => {
    expect((await examineUrls(['http://127.0.0.1:1']))[0]?.state).toBe('error');
    expect((await examineUrls([]))[0]?.state).toBe('ok');
  });
});

describe('the names of media hosts', () => {
  const examined = async (address: string | null, settings: Record<string, string> = {}) => {
    const resolve = async () => {
      if (address === null) throw new Error('no such name');
      return [{ address, family: address.includes(':') ? 6 : 4 }];
    };
    const [finding] = await examineNames(loadConfig(settings), resolve);
    return finding;
  };

  it.each<[string, string | null, Record<string, string>, string, RegExp]>([
    ['public', '93.184.216.34', {}, 'ok', /public addresses/],
    ['a fake-IP pool', '198.18.0.7', {}, 'error', /leads to 198\.18\.0\.7.*FAKE_IP=allow/],
    ['a fake-IP pool, allowed', '198.18.0.7', { FAKE_IP: 'allow' }, 'ok', /198\.18\.0\.7/],
    ['inside', '10.0.0.1', { FAKE_IP: 'allow' }, 'error', /leads to 10\.0\.0\.1.*check the DNS/],
    ['nowhere', null, {}, 'warn', /no name.*check the DNS/],
    ['a matter of proxies', '10.0.0.1', { PROXY_URLS: 'http://gate:1' }, 'ok', /by the proxies/],
    [
      'ours where files go directly',
      '10.0.0.1',
      { PROXY_URLS: 'http://gate:1', MEDIA_EGRESS: 'direct-first' },
      'error',
      /check the DNS/,
    ],
  ])('are %s', async (_name, address, settings, state, words) => {
    const finding = await examined(address, settings);
    expect(finding?.state).toBe(state);
    expect(`${finding?.says} ${finding?.fix}`).toMatch(words);
  });
});

describe('the engine', () => {
  const today = new Date().toISOString().slice(0, 10).replaceAll('-', '.');
  const at = new Date().toISOString();

  it('is to be updated when it is old or a newer version is known', () => {
    const none = { newest: null, rejected: [] };
    expect(describeEngine('yt-dlp', today, none)).toMatchObject({ state: 'ok' });
    expect(describeEngine('yt-dlp', '2025.1.1', none)).toMatchObject({ fix: 'npm run engine:update' });
    const behind = describeEngine('yt-dlp', today, { ...none, newest: { version: '2099.1.1', seen: at } });
    expect(behind).toMatchObject({ state: 'warn', says: expect.stringContaining('newest known 2099.1.1') });
  });

  it('is not to be updated to a version that was rejected', () => {
    const rejected = [{ version: '2099.01.01', at, why: 'worse' }];
    const newest = { version: '2099.1.1', seen: at };
    expect(describeEngine('yt-dlp', today, { newest, rejected })).toMatchObject({
      state: 'ok',
      says: expect.stringContaining('rejected: 2099.01.01'),
    });
  });

  it.skipIf(!ownEngine)('is started, and fetches the post of CANARY_URL', async () => {
    const standin = await startStandin();
    const common = { TEMP_DIR: folder, PROXY_URLS: standin.proxyUrl, EXTRA_CA_CERTS: standin.caFile };
    const [found, missing] = await Promise.all(
      ['video', 'unknown id'].map((name) => examine(ROOT, { ...common, CANARY_URL: scenario(name).url })),
    );
    await standin.close();
    expect(found).toContainEqual(
      expect.objectContaining({ says: expect.stringMatching(/^yt-dlp .* works/) }),
    );
    expect(found).toContainEqual(
      expect.objectContaining({
        state: 'ok',
        says: expect.stringMatching(/^looks like a browser: chrome-\d/),
      }),
    );
    expect(found).toContainEqual({ topic: 'Canary', state: 'ok', says: 'its post was fetched' });
    expect(missing).toContainEqual(
      expect.objectContaining({ state: 'error', says: 'its post ended with post_not_found' }),
    );
  });
});

it('runs as a command, with the settings of the environment', async () => {
  const script = join(ROOT, 'scripts/doctor.mjs');
  const env = { PATH: process.env.PATH, MAX_WORKERS: 'many' };
  await expect(promisify(execFile)(process.execPath, [script], { cwd: folder, env })).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^Fix first: Settings/),
  });
});

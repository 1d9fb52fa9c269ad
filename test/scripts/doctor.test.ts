import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownEngine } from '../helpers/engine.ts';
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

function doctor(env: Record<string, string>): Promise<{ code: number; page: string }> {
  const given = { PATH: process.env.PATH, HOME: process.env.HOME, TEMP_DIR: folder, PORT: '1', ...env };
  return new Promise((resolve) => {
    execFile(process.execPath, [DOCTOR], { cwd: folder, env: given }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, page: stdout + stderr });
    });
  });
}

describe.skipIf(!ownEngine)('the doctor', () => {
  it('finds nothing to mend where all is well', async () => {
    const { code, page } = await doctor({
      PROXY_URLS: standin.proxyUrl,
      EXTRA_CA_CERTS: standin.caFile,
      CANARY_URL: scenario('video').url,
    });
    expect(page).toMatch(/ok +Engine +yt-dlp .* reads a page/);
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
    expect(page).toMatch(/first things first:\n {2}1\. Proxy: /);
    expect(page).not.toMatch(/4711/);
  });

  it('says which setting is wrong', async () => {
    const { code, page } = await doctor({ MAX_WORKERS: 'many' });
    expect(code).toBe(1);
    expect(page).toMatch(/BAD +Settings +MAX_WORKERS must be/);
  });
});

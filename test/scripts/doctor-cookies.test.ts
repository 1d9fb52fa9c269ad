import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { examineCookiesFile } from '../../scripts/doctor/cookies.mjs';
import { loadConfig } from '../../src/config.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILE = '# Netscape HTTP Cookie File\n.tiktok.com\tTRUE\t/\tTRUE\t4000000000\tsessionid\tx\n';
let path: string;

beforeEach(() => {
  // vitest sets a BASE_URL.
  vi.stubEnv('BASE_URL', '');
  path = join(mkdtempSync(join(tmpdir(), 'doctor-')), 'cookies.txt');
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(join(path, '..'), { recursive: true });
});

it.each([
  ['a good file', FILE, 'ok', /1 cookies, the session lasts/],
  ['a byte order mark', `\uFEFF${FILE}`, 'warn', /yt-dlp cannot use the file: .*Netscape/],
  ['a JSON export', '[{"name":"sessionid"}]', 'warn', /yt-dlp cannot use the file: .*JSON/],
])('asks yt-dlp about %s', async (_, content, state, says) => {
  writeFileSync(path, content, { mode: 0o600 });
  const [finding] = await examineCookiesFile(ROOT, loadConfig({ COOKIES_PATH: path }));
  expect(finding).toMatchObject({ state, says: expect.stringMatching(says) });
});

it('allows a missing file', async () => {
  const [finding] = await examineCookiesFile(ROOT, loadConfig({ COOKIES_PATH: path }));
  expect(finding?.state).toBe('ok');
});

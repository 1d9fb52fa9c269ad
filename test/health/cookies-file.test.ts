import { chmodSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CookiesFile } from '../../src/health/cookies-file.ts';
import { engine } from '../helpers/engine.ts';

const HEADER = '# Netscape HTTP Cookie File\n';
const COOKIE = '.tiktok.com\tTRUE\t/\tTRUE\t2000000000\tsessionid\tSECRET-4711\n';

let dir: string;
let path: string;
let lines: { level: number; problem?: string; count?: number }[];
let file: CookiesFile;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cookies-'));
  path = join(dir, 'cookies.txt');
  lines = [];
  const log = pino({}, { write: (line: string) => lines.push(JSON.parse(line)) });
  file = new CookiesFile({ path, engine: () => engine, log });
});

afterEach(() => rmSync(dir, { recursive: true }));

describe('CookiesFile', () => {
  it('allows a missing file', async () => {
    await file.check();
    expect([file.status, lines]).toEqual([null, []]);
  });

  it('counts the cookies of a good file, HttpOnly ones and CRLF included', async () => {
    writeFileSync(
      path,
      `${HEADER}${COOKIE}#HttpOnly_${COOKIE.replace('sessionid', 'sid_tt')}`.replaceAll('\n', '\r\n'),
    );
    await file.check();
    expect(file.status).toMatchObject({
      count: 2,
      problem: null,
      changed: expect.closeTo(Date.now() / 1000, -2),
    });
    expect(lines).toMatchObject([{ level: 30, count: 2 }]);
  });

  it.each([
    ['a JSON export', '[{"name":"sessionid","value":"SECRET-4711"}]', /JSON/],
    ['a byte order mark', `\uFEFF${HEADER}${COOKIE}`, /Netscape/],
    ['an empty file', '', /./],
    ['no cookie', HEADER, /no cookies/],
    ['spaces for tabs', `${HEADER}${COOKIE.replaceAll('\t', ' ')}`, /no cookies/],
  ])('warns once of %s, without its content', async (_, content, problem) => {
    writeFileSync(path, content);
    await file.check();
    await file.check();
    expect(file.status?.problem).toMatch(problem);
    expect(lines).toMatchObject([{ level: 40, problem: file.status?.problem }]);
    expect(JSON.stringify([file.status, lines])).not.toContain('SECRET-4711');
  });

  it('skips a bad line, as yt-dlp does, and does not log it', async () => {
    const bad = '.tiktok.com\tTRUE\t/\tTRUE\tsoon\tSECRET-4711\tSECRET-4711\n';
    writeFileSync(path, HEADER + COOKIE + bad);
    await file.check();
    expect(file.status).toMatchObject({ count: 1, problem: null });
    expect(JSON.stringify([file.status, lines])).not.toContain('SECRET-4711');
  });

  it('checks again when the file changes', async () => {
    writeFileSync(path, '{}');
    await file.check();
    expect(file.status?.problem).not.toBeNull();
    writeFileSync(path, HEADER + COOKIE);
    utimesSync(path, 1, 1);
    await file.check();
    expect(file.status).toEqual({ changed: 1, count: 1, problem: null });
  });

  it('checks again when the permissions change', async () => {
    writeFileSync(path, HEADER + COOKIE);
    await file.check();
    chmodSync(path, 0o640);
    await file.check();
    expect(lines).toMatchObject([{ count: 1 }, { count: 1 }]);
  });

  it('warns once of a path that may not be looked at', async () => {
    symlinkSync(path, path);
    await file.check();
    await file.check();
    expect(file.status).toEqual({ changed: null, count: null, problem: expect.stringContaining('ELOOP') });
    expect(lines).toMatchObject([{ level: 40, problem: file.status?.problem }]);
  });
});

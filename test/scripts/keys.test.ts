import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { hashKey, parseKeyFile } from '../../src/access/index.ts';

const SCRIPT = join(import.meta.dirname, '../../scripts/keys.mjs');
const folder = mkdtempSync(join(tmpdir(), 'keys-script-'));
const path = join(folder, 'api-keys.json');

afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => rmSync(path, { force: true }));

function keys(...args: string[]) {
  const env = { PATH: process.env.PATH, API_KEYS_PATH: path };
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const read = () => parseKeyFile(readFileSync(path, 'utf8'));

describe('npm run keys', () => {
  it('adds a key, prints it once, and keeps its hash only', () => {
    const { status, stdout, stderr } = keys('add', 'bot');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^ttdl_[\w-]{43}\n$/);
    expect(read()).toEqual({ bot: { sha256: hashKey(stdout.trim()), created: expect.any(String) } });
    expect(readFileSync(path, 'utf8') + keys('list').stdout).not.toContain(stdout.trim().slice(5));
    expect(readdirSync(folder)).toEqual(['api-keys.json']);
  });

  it('writes limits down, lists them, and revokes', () => {
    keys('add', 'other');
    const limits = ['--per-minute', '600', '--expires', '2030-01-31', '--network', '10.0.0.0/8'];
    keys('add', 'site', ...limits, '--origin', 'https://a.example', '--origin', 'https://b.example');
    expect(read().site).toMatchObject({
      per_minute: 600,
      expires: '2030-01-31',
      origins: ['https://a.example', 'https://b.example'],
      networks: ['10.0.0.0/8'],
    });
    expect(keys('list').stdout.split('\n')).toEqual([
      'other  RATE_LIMIT_MAX a minute  for ever',
      'site  600 a minute  until 2030-01-31  https://a.example  https://b.example  10.0.0.0/8',
      '',
    ]);
    expect(keys('revoke', 'site').status).toBe(0);
    expect(Object.keys(read())).toEqual(['other']);
  });

  it('keeps a link to the file', () => {
    const target = join(folder, 'target');
    writeFileSync(target, '{}');
    symlinkSync(target, path);
    keys('add', 'bot');
    expect(Object.keys(parseKeyFile(readFileSync(target, 'utf8')))).toEqual(['bot']);
    rmSync(target);
  });

  it.each<[says: RegExp, args: string[]]>([
    [/usage/, []],
    [/usage/, ['add']],
    [/usage/, ['remove', 'bot']],
    [/there is a key bot/, ['add', 'bot']],
    [/there is no key other/, ['revoke', 'other']],
    [/name must be/, ['add', 'a b']],
    [/per_minute must be a whole number/, ['add', 'x', '--per-minute', 'many']],
    [/expires must be a date/, ['add', 'x', '--expires', 'soon']],
    [/origins\.0 must be an origin/, ['add', 'x', '--origin', 'a.example']],
    [/networks\.0 must be an address/, ['add', 'x', '--network', 'office']],
    [/limit/, ['add', 'x', '--limit', '5']],
  ])('says %s, and leaves the file alone: %j', (says, args) => {
    keys('add', 'bot');
    const before = readFileSync(path, 'utf8');
    const { status, stdout, stderr } = keys(...args);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(says);
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  it('does not write over a file that it cannot read', () => {
    writeFileSync(path, 'not JSON');
    expect(keys('add', 'bot')).toMatchObject({ status: 1, stdout: '' });
    expect(readFileSync(path, 'utf8')).toBe('not JSON');
  });
});

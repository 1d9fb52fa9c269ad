import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadOrCreateKey } from '../../src/links/index.ts';

let dir: string;
let path: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'key-'));
  path = join(dir, '.encryption-key');
});

afterEach(() => {
  rmSync(dir, { recursive: true });
});

describe('the kept key', () => {
  it('is made at the first start, with 256 bits', () => {
    expect(Buffer.from(loadOrCreateKey(path).reveal(), 'base64url')).toHaveLength(32);
  });

  it('is the same at the next start', () => {
    expect(loadOrCreateKey(path).reveal()).toBe(loadOrCreateKey(path).reveal());
  });

  it('is another one on another machine', () => {
    expect(loadOrCreateKey(path).reveal()).not.toBe(loadOrCreateKey(join(dir, 'other')).reveal());
  });

  it('lies in a file that only its owner may read', () => {
    loadOrCreateKey(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('is closed to others again where its file was opened to them', () => {
    loadOrCreateKey(path);
    chmodSync(path, 0o644);
    loadOrCreateKey(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('is taken from a file that is there, without the line break of an editor', () => {
    writeFileSync(path, 'a key from somewhere else\n');
    expect(loadOrCreateKey(path).reveal()).toBe('a key from somewhere else');
  });

  it('leaves nothing beside its file', () => {
    loadOrCreateKey(path);
    loadOrCreateKey(path);
    expect(readdirSync(dir)).toEqual(['.encryption-key']);
  });

  it('is only read where its file is there, as in a read-only folder', () => {
    const key = loadOrCreateKey(path).reveal();
    utimesSync(dir, 1, 1);
    expect(loadOrCreateKey(path).reveal()).toBe(key);
    expect(statSync(dir).mtimeMs).toBe(1000);
  });

  it('is what its file holds', () => {
    const key = loadOrCreateKey(path);
    expect(readFileSync(path, 'utf8')).toBe(key.reveal());
  });

  it('cannot be kept where no file can be written', () => {
    expect(() => loadOrCreateKey(join(dir, 'missing', 'key'))).toThrow(
      expect.objectContaining({ code: 'ENOENT' }),
    );
  });
});

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { Access, ApiKeys, BotCheck, type Credentials, hashKey } from '../../src/access/index.ts';
import { ServiceError } from '../../src/errors.ts';
import { RateCounter } from '../../src/http/rate-counter.ts';
import { LIMITS } from '../../src/limits.ts';
import { TokenSealer } from '../../src/links/index.ts';
import { solve } from '../helpers/challenge.ts';

const GUESSES = 10_000;
const KEY = randomBytes(32).toString('base64url');
const folder = mkdtempSync(join(tmpdir(), 'guesses-'));
const path = join(folder, 'api-keys.json');
writeFileSync(path, JSON.stringify({ only: { sha256: hashKey(KEY) } }));
const keys = new ApiKeys(path, pino({ level: 'silent' }));

afterAll(() => {
  keys.file.close();
  rmSync(folder, { recursive: true });
});

const NOBODY: Credentials = {
  key: null,
  origin: undefined,
  address: null,
  client: '192.0.2.1',
  networks: [{ key: '192.0.2.1', factor: 1 }],
  session: null,
  solution: null,
};

const refusal = (access: Access, given: Partial<Credentials>) =>
  access.admit({ ...NOBODY, ...given }).then(
    () => null,
    (error: unknown) =>
      error instanceof ServiceError && error.code === 'unauthorized' ? error : Promise.reject(error),
  );

describe('10,000 guesses', () => {
  it('find no key', async () => {
    const access = new Access({ keys, requireKey: true, botCheck: null });
    for (let n = 0; n < GUESSES; n += 1) {
      const key = randomBytes(32).toString('base64url');
      expect(await refusal(access, { key })).toBeInstanceOf(ServiceError);
    }
    expect(await refusal(access, { key: KEY })).toBeNull();
    expect(access.uses).toEqual([['only', 1]]);
  });

  it('solve no challenge other than with its number', async () => {
    const counter = () => new RateCounter(null, 100);
    const sealer = new TokenSealer('a key that only this test knows');
    const botCheck = new BotCheck({ limits: LIMITS.botCheck, sealer, asked: counter(), used: counter() });
    const access = new Access({ keys: null, requireKey: false, botCheck });
    const challenge = (await refusal(access, {}))?.challenge;
    if (!challenge) throw new Error('no challenge');
    const solution = solve(challenge);
    const [token, right] = solution.split('.');
    for (let n = 1; n <= GUESSES; n += 1) {
      const wrong = (Number(right) + n) % challenge.max;
      expect(await refusal(access, { solution: `${token}.${wrong}` })).toBeInstanceOf(ServiceError);
    }
    expect(await refusal(access, { solution })).toBeNull();
  });
});

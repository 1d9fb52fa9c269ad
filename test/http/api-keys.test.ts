import { randomBytes } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { hashKey, type KeyFile } from '../../src/access/index.ts';
import { buildTestApp, fakeExtractor, postOf, type TestApp } from '../helpers/app.ts';

const POST = 'https://www.tiktok.com/@user/video/7400000000000004242';
const folder = mkdtempSync(join(tmpdir(), 'keys-'));
const path = join(folder, 'api-keys.json');
const newKey = () => `ttdl_${randomBytes(32).toString('base64url')}`;
const [plain, slow, fast, old, young, site, office] = Array.from({ length: 7 }, newKey);
const SOON = new Date(Date.now() + 3600_000).toISOString();
const PAST = new Date(Date.now() - 1000).toISOString();

const KEYS: KeyFile = {
  plain: { sha256: hashKey(plain ?? '') },
  slow: { sha256: hashKey(slow ?? ''), per_minute: 1 },
  fast: { sha256: hashKey(fast ?? ''), per_minute: 0 },
  old: { sha256: hashKey(old ?? ''), expires: PAST },
  young: { sha256: hashKey(young ?? ''), expires: SOON },
  site: { sha256: hashKey(site ?? ''), origins: ['https://app.example', 'capacitor://localhost'] },
  office: { sha256: hashKey(office ?? ''), networks: ['192.0.2.0/24', '2001:db8::/32'] },
};

/** What reached the extractor. */
let extractions = 0;
let app: TestApp;

afterEach(() => app?.close());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** In one step, as an editor or `npm run keys` does it. */
function writeKeys(content: unknown): void {
  writeFileSync(`${path}.new`, typeof content === 'string' ? content : JSON.stringify(content));
  renameSync(`${path}.new`, path);
}

async function start(env: Record<string, string> = {}): Promise<void> {
  writeKeys(KEYS);
  extractions = 0;
  const extractor = fakeExtractor(async (link) => {
    extractions += 1;
    return postOf(link);
  });
  app = await buildTestApp(
    { API_KEYS_PATH: path, REQUIRE_KEY: 'true', TRUST_PROXY: '127.0.0.1', ...env },
    { extractor },
  );
}

const ask = async (headers: Record<string, string | undefined>) => {
  const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const { status, body } = await app.post(POST, Object.fromEntries(given));
  return status === 200 ? 200 : [status, body.code];
};

const REFUSED = [401, 'unauthorized'];

describe('REQUIRE_KEY', () => {
  it('answers whoever sends a key, in each way to send it', async () => {
    await start();
    expect(await ask({ authorization: `Api-Key ${plain}` })).toBe(200);
    expect(await ask({ authorization: `bearer ${plain}` })).toBe(200);
    expect(await ask({ 'x-api-key': plain })).toBe(200);
    // Of the proxy in front.
    expect(await ask({ 'x-api-key': plain, authorization: 'Basic dXNlcjpwYXNz' })).toBe(200);
  });

  it('answers everybody else with 401, says how to send a key, and asks nobody for the post', async () => {
    await start();
    const refused: [about: string, headers: Record<string, string | undefined>][] = [
      ['none', {}],
      ['an empty one', { 'x-api-key': '' }],
      ['a wrong one', { 'x-api-key': newKey() }],
      ['a part of one', { 'x-api-key': plain?.slice(0, -1) }],
      ['a longer one', { 'x-api-key': `${plain}x` }],
      ['the hash of one', { 'x-api-key': KEYS.plain?.sha256 }],
      ['its name', { 'x-api-key': 'plain' }],
      ['two at once', { 'x-api-key': `${plain}, ${plain}` }],
      ['a password', { authorization: `Basic ${plain}` }],
      ['no scheme', { authorization: plain }],
      ['one that has expired', { 'x-api-key': old }],
    ];
    for (const [about, headers] of refused) expect([about, await ask(headers)]).toEqual([about, REFUSED]);
    expect(extractions).toBe(0);
    const { headers, body } = await app.post(POST);
    expect([headers['www-authenticate'], headers['cache-control']]).toEqual(['Api-Key', 'no-store']);
    expect(body).toMatchObject({ retryable: false, error: expect.stringMatching(/API key/) });
    expect(body).not.toHaveProperty('challenge');
  });

  it('holds before the body is read, for GET, and for its redirect', async () => {
    await start();
    const inject = (options: object) => app.server.inject({ url: '/tiktok', ...options });
    const malformed = await inject({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      payload: '{"url":',
    });
    expect(malformed.statusCode).toBe(401);
    for (const pick of [{}, { pick: 'no_watermark' }]) {
      const query = { url: POST, ...pick };
      expect((await inject({ query })).statusCode).toBe(401);
      expect((await inject({ query, headers: { 'x-api-key': plain } })).statusCode).toBe(
        'pick' in pick ? 303 : 200,
      );
    }
  });

  it.each<[name: string, options: object]>([
    ['a batch', { method: 'POST', url: '/tiktok/batch', payload: { urls: [POST] } }],
    ['cobalt', { method: 'POST', url: '/', payload: { url: POST } }],
    ['tikwm', { method: 'GET', url: '/api/', query: { url: POST } }],
    ['tikwm by POST', { method: 'POST', url: '/api/', payload: { url: POST } }],
  ])('holds for %s', async (_, options) => {
    await start({ DIALECTS: 'cobalt,tikwm' });
    const inject = (headers: object) =>
      app.server.inject({ ...options, headers: { accept: 'application/json', ...headers } });
    expect((await inject({})).headers['www-authenticate']).toBe('Api-Key');
    expect((await inject({ authorization: `Api-Key ${newKey()}` })).payload).not.toContain('/stream?');
    expect(extractions).toBe(0);
    expect((await inject({ authorization: `Api-Key ${plain}` })).payload).toContain('/stream?');
  });

  it('leaves links, health and preflights open', async () => {
    await start();
    const { body } = await app.post(POST, { 'x-api-key': plain ?? '' });
    const { pathname, search } = new URL(String(body.download_link?.no_watermark));
    expect((await app.server.inject(pathname + search)).statusCode).not.toBe(401);
    for (const url of ['/health', '/openapi.json', '/docs/']) {
      expect((await app.server.inject(url)).statusCode).toBe(200);
    }
    const preflight = await app.server.inject({
      method: 'OPTIONS',
      url: '/tiktok',
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type, x-api-key, x-session',
      },
    });
    expect(preflight.statusCode).toBe(204);
    expect(preflight.headers['access-control-allow-headers']).toMatch(/x-api-key/i);
    const refused = await app.post(POST, { origin: 'https://app.example' });
    expect(refused.headers['access-control-expose-headers']).toMatch(/WWW-Authenticate/);
    expect(refused.headers['access-control-allow-origin']).toBe('*');
  });

  it.each<[about: string, key: string | undefined, headers: Record<string, string>, expected: unknown]>([
    ['its origin', site, { origin: 'https://app.example' }, 200],
    ['the origin of an app', site, { origin: 'capacitor://localhost' }, 200],
    ['another origin', site, { origin: 'https://evil.example' }, REFUSED],
    ['an origin that begins like it', site, { origin: 'https://app.example.evil.example' }, REFUSED],
    ['no origin', site, {}, REFUSED],
    ['its network', office, { 'x-forwarded-for': '192.0.2.77' }, 200],
    ['its network of IPv6', office, { 'x-forwarded-for': '2001:db8:1::1' }, 200],
    ['its network, as IPv6 writes it', office, { 'x-forwarded-for': '::ffff:192.0.2.77' }, 200],
    ['another network', office, { 'x-forwarded-for': '198.51.100.7' }, REFUSED],
    ['an address that is none', office, { 'x-forwarded-for': 'office' }, REFUSED],
    ['a time before its end', young, {}, 200],
  ])('accepts a key only from where and when it is good: %s', async (_, key, headers, expected) => {
    await start();
    expect(await ask({ ...headers, 'x-api-key': key })).toEqual(expected);
  });
});

describe('the limit of a key', () => {
  const times = async (count: number, headers: Record<string, string | undefined>) => {
    const statuses: unknown[] = [];
    for (let n = 0; n < count; n += 1) statuses.push([await ask(headers)].flat()[0]);
    return statuses;
  };

  it('is its own, wherever it comes from', async () => {
    await start({ RATE_LIMIT_MAX: '2' });
    const from = (n: number, key: string | undefined) => ({
      'x-api-key': key,
      'x-forwarded-for': `192.0.2.${n}`,
    });
    expect(await ask(from(1, slow))).toBe(200);
    expect(await ask(from(2, slow))).toEqual([429, 'rate_limited']);
    expect(await times(3, from(1, plain))).toEqual([200, 200, 429]);
    expect(await times(5, from(1, fast))).toEqual([200, 200, 200, 200, 200]);
    const { json } = await app.server.inject({
      method: 'POST',
      url: '/tiktok/batch',
      headers: { 'x-api-key': fast ?? '' },
      payload: { urls: [POST, POST, POST] },
    });
    expect(json().results).toEqual(Array(3).fill(expect.objectContaining({ status: 'tunnel' })));
    // The client of these keys has counted nothing.
    expect(await times(3, from(1, young))).toEqual([200, 200, 429]);
  });

  it('counts each link of a batch', async () => {
    await start({ RATE_LIMIT_MAX: '2' });
    const urls = [1, 2, 3, 4].map((n) => `https://www.tiktok.com/@user/video/740000000000000000${n}`);
    const answered = async (key: string | undefined) => {
      const headers = { 'x-api-key': key };
      const { json } = await app.server.inject({
        method: 'POST',
        url: '/tiktok/batch',
        headers,
        payload: { urls },
      });
      return json().results.filter(({ code }: { code?: string }) => code !== 'rate_limited').length;
    };
    expect([await answered(slow), await answered(plain), await answered(fast)]).toEqual([1, 2, 4]);
  });

  it('holds where RATE_LIMIT_MAX is off', async () => {
    await start({ RATE_LIMIT_MAX: '0', REQUIRE_KEY: 'false' });
    expect(await times(2, { 'x-api-key': slow })).toEqual([200, 429]);
    expect(await times(3, { 'x-api-key': plain })).toEqual([200, 200, 200]);
    expect(await times(3, {})).toEqual([200, 200, 200]);
  });

  it('needs no key where none is required, and a wrong one is told', async () => {
    await start({ REQUIRE_KEY: 'false' });
    expect(await ask({})).toBe(200);
    expect(await ask({ 'x-api-key': newKey() })).toEqual(REFUSED);
  });
});

describe('the file of keys', () => {
  it('is read again when it changes: a new key counts, a revoked one no more', async () => {
    await start();
    const added = newKey();
    const { plain: revoked, ...others } = KEYS;
    expect(revoked).toBeDefined();
    writeKeys({ ...others, added: { sha256: hashKey(added) } });
    await expect.poll(() => ask({ 'x-api-key': added }), { timeout: 5000 }).toBe(200);
    expect(await ask({ 'x-api-key': plain })).toEqual(REFUSED);
  });

  it('leaves the last good keys in force where it is broken, as /health says, until it is mended', async () => {
    await start();
    const reasons = async () => (await app.server.inject('/health')).json().reasons as string[];
    expect(await reasons()).not.toContainEqual(expect.stringContaining('API keys'));
    writeKeys('{"plain": {"sha256": "');
    await expect
      .poll(reasons, { timeout: 5000 })
      .toContainEqual(expect.stringMatching(/^the file of API keys is unusable.*not JSON/));
    expect(await ask({ 'x-api-key': plain })).toBe(200);
    writeKeys({ slow: KEYS.slow });
    await expect.poll(() => ask({ 'x-api-key': plain }), { timeout: 5000 }).toEqual(REFUSED);
    expect(await reasons()).not.toContainEqual(expect.stringContaining('API keys'));
  });

  it.each<[about: string, content: unknown, says: RegExp]>([
    ['text', 'plain: 4711', /not JSON/],
    ['a list', '[]', /must be an object with a name for each key/],
    ['a key itself', { plain: newKey() }, /plain must be an object with sha256/],
    ['no hash', { plain: {} }, /plain\.sha256 must be the SHA-256/],
    ['an unknown field', { plain: { ...KEYS.plain, limit: 5 } }, /plain must be an object/],
    ['a wrong limit', { plain: { ...KEYS.plain, per_minute: -1 } }, /plain\.per_minute must be a whole/],
    ['a wrong date', { plain: { ...KEYS.plain, expires: 'soon' } }, /plain\.expires must be a date/],
    [
      'a wrong origin',
      { plain: { ...KEYS.plain, origins: ['app.example'] } },
      /origins\.0 must be an origin/,
    ],
    ['no origin', { plain: { ...KEYS.plain, origins: [] } }, /plain\.origins must be a list/],
    ['a wrong network', { plain: { ...KEYS.plain, networks: ['office'] } }, /networks\.0 must be an address/],
    ['a key for a name', { [newKey()]: KEYS.plain }, /a name must be/],
  ])('stops the start where it is broken, without quoting it: %s', async (_, content, says) => {
    await start();
    await app.close();
    writeKeys(content);
    const error = await buildTestApp({ API_KEYS_PATH: path }).catch((reason: Error) => reason);
    expect(error).toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(/^API_KEYS_PATH must be/),
    });
    expect((error as Error).message).toMatch(says);
    expect((error as Error).message).not.toMatch(/ttdl_|4711/);
  });

  it('stops the start where it is missing', async () => {
    await expect(buildTestApp({ API_KEYS_PATH: join(folder, 'none') })).rejects.toThrow(
      /^API_KEYS_PATH must be/,
    );
  });
});

describe('a key', () => {
  it('is in the log and in metrics by its name only', async () => {
    await start({ LOG_LEVEL: 'trace' });
    const wrong = newKey();
    for (const key of [plain, plain, slow, old, site, wrong]) {
      await ask({ 'x-api-key': key });
      await ask({ authorization: `Bearer ${key}` });
    }
    const { payload } = await app.server.inject('/metrics');
    const counted = payload.split('\n').filter((line) => line.startsWith('tiktok_key_requests_total{'));
    expect(counted.sort()).toEqual(
      Object.keys(KEYS)
        .map((name) => `tiktok_key_requests_total{key="${name}"} ${{ plain: 4, slow: 2 }[name] ?? 0}`)
        .sort(),
    );
    const log = JSON.stringify(app.log);
    expect(app.log).toContainEqual(expect.objectContaining({ msg: 'request', status: 200, key: 'plain' }));
    expect(app.log).toContainEqual(expect.objectContaining({ status: 401, code: 'unauthorized' }));
    for (const key of [plain, slow, old, site, wrong]) {
      expect(log + payload).not.toContain(key?.slice(5));
      expect(log + payload).not.toContain(hashKey(key ?? ''));
    }
  });
});

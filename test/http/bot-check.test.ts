import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { hashKey } from '../../src/access/index.ts';
import type { Challenge } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { buildTestApp, fakeExtractor, postOf, type TestApp } from '../helpers/app.ts';
import { solve } from '../helpers/challenge.ts';
import { NO_REDIS, TestRedis } from '../helpers/redis.ts';

const POST = 'https://www.tiktok.com/@user/video/7400000000000004242';
const HERE = '192.0.2.1';
const ELSEWHERE = '192.0.2.2';

const apps: TestApp[] = [];
let extractions = 0;

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

/** @param numbers of a challenge at first; the service's own take a second */
async function start(env: Record<string, string> = {}, numbers = 2000): Promise<TestApp> {
  extractions = 0;
  const extractor = fakeExtractor(async (link) => {
    extractions += 1;
    return postOf(link);
  });
  const limits = { ...LIMITS, botCheck: { ...LIMITS.botCheck, numbers } };
  const settings = { BOT_CHECK: 'pow', TRUST_PROXY: '127.0.0.1', RATE_LIMIT_MAX: '0', ...env };
  const app = await buildTestApp(settings, { extractor, limits });
  apps.push(app);
  return app;
}

interface Answer {
  status: number;
  challenge: Challenge;
  session: string;
}

/** POST /tiktok from an address. */
async function ask(app: TestApp, headers: Record<string, string> = {}, from = HERE): Promise<Answer> {
  const { status, body, headers: sent } = await app.post(POST, { 'x-forwarded-for': from, ...headers });
  return { status, challenge: body.challenge as Challenge, session: String(sent['x-session'] ?? '') };
}

const solved = (challenge: Challenge) => ({ 'x-solution': solve(challenge) });
const inSession = (session: string) => ({ 'x-session': session });

/** A session of a client, by its first request. */
async function earn(app: TestApp, from = HERE): Promise<string> {
  const { challenge } = await ask(app, {}, from);
  return (await ask(app, solved(challenge), from)).session;
}

/** The whole answer without a solution. */
const refusal = (app: TestApp) =>
  app.server.inject({ method: 'POST', url: '/tiktok', payload: { url: POST } });

describe('BOT_CHECK', () => {
  it('answers a visitor without a key with a challenge and words, and asks nobody for the post', async () => {
    const app = await start();
    const response = await refusal(app);
    expect(response.statusCode).toBe(401);
    expect(response.headers['www-authenticate']).toBe('Proof-Of-Work');
    expect(response.json()).toMatchObject({
      code: 'unauthorized',
      error: expect.stringContaining('X-Solution'),
    });
    const { challenge } = response.json();
    expect(challenge).toEqual({
      token: expect.stringMatching(/^[\w-]{60,300}$/),
      salt: expect.stringMatching(/^[\w-]{16}$/),
      target: expect.stringMatching(/^[\da-f]{64}$/),
      max: expect.any(Number),
    });
    expect((await app.server.inject({ url: '/tiktok', query: { url: POST, pick: 'mp3' } })).statusCode).toBe(
      401,
    );
    expect(extractions).toBe(0);
  });

  it('answers a solved challenge, and its session from then on', async () => {
    const app = await start();
    const { challenge } = await ask(app);
    const { status, session } = await ask(app, solved(challenge));
    expect(status).toBe(200);
    for (let n = 0; n < 3; n += 1) {
      expect(await ask(app, inSession(session))).toMatchObject({ status: 200, session: '' });
    }
    const redirect = await app.server.inject({
      url: '/tiktok',
      query: { url: POST, pick: 'no_watermark' },
      headers: { ...inSession(session), 'x-forwarded-for': HERE },
    });
    expect(redirect.statusCode).toBe(303);
  });

  it('wants nothing of whoever has a key', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keys-'));
    const path = join(folder, 'api-keys.json');
    writeFileSync(path, JSON.stringify({ bot: { sha256: hashKey('a key of this test') } }));
    const app = await start({ API_KEYS_PATH: path });
    rmSync(folder, { recursive: true });
    expect((await ask(app, { 'x-api-key': 'a key of this test' })).status).toBe(200);
    expect((await refusal(app)).headers['www-authenticate']).toBe('Api-Key, Proof-Of-Work');
  });

  it('rejects a challenge and a session that are replayed, of another network, forged, late or of another key', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const app = await start();
    const { challenge } = await ask(app);
    const solution = solved(challenge);
    expect((await ask(app, solution, ELSEWHERE)).status).toBe(401);
    const { status, session } = await ask(app, solution);
    expect(status).toBe(200);
    expect((await ask(app, solution)).status).toBe(401);
    expect((await ask(app, inSession(session), ELSEWHERE)).status).toBe(401);
    const other = (await ask(app)).challenge;
    const forged: Record<string, string>[] = [
      inSession(other.token),
      inSession(`${session}A`),
      inSession(session.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))),
      inSession(''),
      { 'x-solution': session },
      { 'x-solution': `${session}.1` },
      { 'x-solution': `${other.token}.` },
      { 'x-solution': `${other.token}.-1` },
      { 'x-solution': `.${other.max}` },
      { 'x-solution': `${other.token}.${'9'.repeat(400)}` },
      { 'x-solution': String(solve(other)).replace('.', '.0x') },
    ];
    for (const headers of forged) expect([headers, (await ask(app, headers)).status]).toEqual([headers, 401]);
    const otherKey = await start({ ENCRYPTION_KEY: 'another key than that of the first' });
    expect((await ask(otherKey, inSession(session))).status).toBe(401);
    expect((await ask(otherKey, solved(other))).status).toBe(401);
    vi.advanceTimersByTime(3 * 60_000);
    expect((await ask(app, solved(other))).status).toBe(401);
    expect((await ask(app, inSession(session))).status).toBe(200);
    vi.advanceTimersByTime(7 * 60_000);
    expect((await ask(app, inSession(session))).status).toBe(401);
  });

  it('takes an IPv6 /64 for one client, and the next one for another', async () => {
    const app = await start();
    const session = await earn(app, '2001:db8:1:2::1');
    expect((await ask(app, inSession(session), '2001:db8:1:2:ffff::9')).status).toBe(200);
    expect((await ask(app, inSession(session), '2001:db8:1:3::1')).status).toBe(401);
  });

  it('asks a network for more work as it asks for more posts, and forgets that in an hour', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const app = await start({ LOG_LEVEL: 'silent' });
    const first = (await ask(app)).challenge;
    const kept = await Promise.all([ask(app), ask(app)]);
    let session = await earn(app);
    const asked: number[] = [];
    for (let n = 0; n < 1000; n += 1) {
      const { status, challenge } = await ask(app, inSession(session));
      if (status === 200) continue;
      asked.push(challenge.max / first.max);
      session = asked.length < 3 ? (await ask(app, solved(challenge))).session : '';
      if (session === '') break;
    }
    // A session holds until twice its work is asked for twice over.
    expect(asked).toEqual([4, 16]);
    // A stock of easy challenges.
    expect((await ask(app, solved(kept[0].challenge))).status).toBe(401);
    expect((await ask(app, {}, ELSEWHERE)).challenge.max).toBe(first.max);
    vi.advanceTimersByTime(60 * 60_000);
    expect((await ask(app)).challenge.max).toBe(first.max);
  }, 120_000);

  it('counts each link of a batch', async () => {
    const app = await start();
    const { challenge } = await ask(app);
    const session = await earn(app);
    const urls = Array.from({ length: 20 }, () => POST);
    for (let n = 0; n < 4; n += 1) {
      const { statusCode } = await app.server.inject({
        method: 'POST',
        url: '/tiktok/batch',
        headers: { ...inSession(session), 'x-forwarded-for': HERE },
        payload: { urls },
      });
      expect(statusCode).toBe(200);
    }
    expect((await ask(app)).challenge.max).toBe(2 * challenge.max);
  });

  it('leaks neither challenges nor sessions into the log', async () => {
    const app = await start({ LOG_LEVEL: 'trace' });
    const { challenge } = await ask(app);
    const { session } = await ask(app, solved(challenge));
    await ask(app, inSession(session), ELSEWHERE);
    const log = JSON.stringify(app.log);
    for (const secret of [challenge.token, challenge.salt, session]) expect(log).not.toContain(secret);
  });
});

describe.skipIf(NO_REDIS)('BOT_CHECK on two instances with Redis', () => {
  it('accepts a challenge once, on whichever, and its session on both, also while Redis is gone', async () => {
    const redis = await TestRedis.start();
    try {
      const [one, two] = await Promise.all([
        start({ REDIS_URL: redis.url }),
        start({ REDIS_URL: redis.url }),
      ]);
      const { challenge } = await ask(one);
      const solution = solved(challenge);
      const answers = await Promise.all([one, two, one, two].map((app) => ask(app, solution)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401]);
      const session = answers.find(({ status }) => status === 200)?.session ?? '';
      for (const app of [one, two]) expect((await ask(app, inSession(session))).status).toBe(200);
      // Counted together: the second instance knows what the first was asked for.
      for (let n = 0; n < 60; n += 1) await ask(one, inSession(session));
      expect((await ask(two)).challenge.max).toBeGreaterThan(challenge.max);
      await redis.kill();
      expect((await ask(two, inSession(session))).status).toBe(200);
      const { challenge: next } = await ask(two);
      expect((await ask(two, solved(next))).status).toBe(200);
      expect((await ask(two, solved(next))).status).toBe(401);
    } finally {
      await redis.stop();
    }
  }, 60_000);
});

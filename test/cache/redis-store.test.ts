import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RedisStore } from '../../src/cache/index.ts';
import { until } from '../helpers/processes.ts';
import { NO_REDIS, TestRedis } from '../helpers/redis.ts';

if (NO_REDIS) process.stdout.write(`a Redis that refuses is not tested: ${NO_REDIS}\n`);

const PASSWORD = 'pw4711';

describe('a Redis that is unreachable', () => {
  it.each([
    ['redis://:pw4711@127.0.0.1:1', /nothing listens .*ECONNREFUSED/],
    ['redis://:pw4711@nowhere.invalid:6379', /has no address.*(ENOTFOUND|EAI_AGAIN)/],
  ])('at %s is down, with the reason', async (url, words) => {
    const memory = await RedisStore.open(url, pino({ level: 'silent' }));
    await until(() => words.test(memory.status.problem ?? ''), 10_000);
    expect(memory.status).toMatchObject({ state: 'down', problem: expect.stringMatching(words) });
    expect(JSON.stringify(memory.status)).not.toMatch(/pw4711|nowhere/);
    expect(await memory.run((client) => client.get('a'))).toBeNull();
    memory.close();
  });
});

describe.skipIf(NO_REDIS !== null)('a Redis that replies with errors', () => {
  let redis: TestRedis;
  let memory: RedisStore | null = null;

  beforeAll(async () => {
    redis = await TestRedis.start();
    await redis.ask((client) =>
      client.call('ACL', 'SETUSER', 'service', 'on', `>${PASSWORD}`, '~*', '+@all'),
    );
  });

  afterEach(() => {
    memory?.close();
    memory = null;
  });

  afterAll(async () => {
    await redis.stop();
  });

  async function open(credentials: string): Promise<RedisStore> {
    memory = await RedisStore.open(redis.url.replace('//', `//${credentials}@`), pino({ level: 'silent' }));
    return memory;
  }

  const set = (target: RedisStore) => target.run((client) => client.set('a', 'b'));

  it('is down with the reason for a wrong password, and up once it is right', async () => {
    const shared = await open('service:another');
    expect(await until(() => /WRONGPASS/.test(shared.status.problem ?? ''), 10_000)).toBe(true);
    expect(shared.status).toMatchObject({
      state: 'down',
      problem: expect.stringMatching(/rejects the user or the password/),
    });
    expect(await set(shared)).toBeNull();
    await redis.ask((client) => client.call('ACL', 'SETUSER', 'service', '>another'));
    expect(await until(() => shared.status.state === 'up', 10_000)).toBe(true);
    expect(shared.status.problem).toBeNull();
    expect(await set(shared)).toBe('OK');
  });

  it('is down with the reason for a missing password', async () => {
    await redis.ask(async (admin) => {
      await admin.config('SET', 'requirepass', PASSWORD);
      const shared = await RedisStore.open(redis.url, pino({ level: 'silent' }));
      memory = shared;
      expect(await until(() => /requires a password.*NOAUTH/.test(shared.status.problem ?? ''), 10_000)).toBe(
        true,
      );
      expect(shared.status.state).toBe('down');
      await admin.config('SET', 'requirepass', '');
    });
  });

  it.each<[string, string[], string[], RegExp]>([
    [
      'an ACL without rights',
      ['ACL', 'SETUSER', 'service', '-set'],
      ['ACL', 'SETUSER', 'service', '+set'],
      /NOPERM/,
    ],
    [
      'a replica',
      ['REPLICAOF', '127.0.0.1', '1'],
      ['REPLICAOF', 'NO', 'ONE'],
      /REDIS_URL has to name the primary/,
    ],
  ])('is refusing for %s, and still used', async (_, sicken, heal, words) => {
    const shared = await open(`service:${PASSWORD}`);
    expect(await set(shared)).toBe('OK');
    await redis.ask((client) => client.call(...(sicken as [string, ...string[]])));
    expect(await set(shared)).toBeNull();
    expect(shared.status).toMatchObject({
      state: 'refusing',
      problem: expect.stringMatching(words),
      refused: 1,
    });
    await redis.ask((client) => client.call(...(heal as [string, ...string[]])));
    expect(await set(shared)).toBe('OK');
  });

  it('is not refusing for a value of another type under our key', async () => {
    const shared = await open(`service:${PASSWORD}`);
    await redis.ask((client) => client.lpush('ttdl:1:list', 'x'));
    expect(await shared.run((client) => client.get('list'))).toBeNull();
    expect(shared.status).toMatchObject({ state: 'up', problem: null, refused: 1 });
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Config, ConfigError, loadConfig, PROJECT_ROOT } from '../src/config.ts';
import { configWarnings } from '../src/config-warnings.ts';
import { Secret } from '../src/secret.ts';

const VARIABLES =
  'PORT HOST MANAGEMENT_PORT NODE_ENV HEALTH_TOKEN SHUTDOWN_DELAY DOWNLOADS_PER_MINUTE DOWNLOADS_AT_ONCE ENCRYPTION_KEY_FILE PROXY_URLS_FILE REDIS_URL_FILE BASE_URL ENCRYPTION_KEY ENCRYPTION_KEY_PREVIOUS LINK_TTL_MINUTES MAX_WORKERS MAX_QUEUE YTDLP_TIMEOUT DOWNLOAD_TIMEOUT TEMP_DIR CLEANUP_CRON COOKIES_PATH PROXY_URLS EXTRA_CA_CERTS REDIS_URL CACHE_TTL RATE_LIMIT_MAX TRUST_PROXY CORS_ORIGIN SLIDE_SECONDS FILENAME_TEMPLATE PREFER_CODEC GLUETUN_URL GLUETUN_API_KEY API_KEYS_PATH REQUIRE_KEY BOT_CHECK WEB_PAGE CANARY_URL ENGINE_UPDATE_CRON LOG_LEVEL'.split(
    ' ',
  );

const STRONG_KEY = 'vX3r9-Qm2Lk8_Tz5Wc7Yb1';

function refusal(env: Record<string, string>): string {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error(`accepted ${Object.keys(env)}`);
}

describe('the defaults', () => {
  const config = loadConfig({});

  it.each<[name: string, read: (config: Config) => unknown, value: unknown]>([
    ['PORT', (c) => c.server.port, 3021],
    ['HOST', (c) => c.server.host, '::'],
    ['BASE_URL', (c) => c.server.baseUrl, null],
    ['ENCRYPTION_KEY', (c) => c.secrets.encryptionKey, null],
    ['ENCRYPTION_KEY_PREVIOUS', (c) => c.secrets.previousKeys, []],
    ['LINK_TTL_MINUTES', (c) => c.links.ttlMs, 360 * 60_000],
    ['MAX_WORKERS', (c) => c.extraction.maxWorkers, 20],
    ['MAX_QUEUE', (c) => c.extraction.maxQueue, 2000],
    ['YTDLP_TIMEOUT', (c) => c.extraction.timeoutMs, 30_000],
    ['DOWNLOAD_TIMEOUT', (c) => c.relay.stallTimeoutMs, 120_000],
    ['TEMP_DIR', (c) => c.temp.dir, resolve(PROJECT_ROOT, 'temp')],
    ['CLEANUP_CRON', (c) => c.temp.cleanupCron, '*/15 * * * *'],
    [
      'COOKIES_PATH',
      (c) => c.extraction.cookiesPath,
      resolve(PROJECT_ROOT, 'cookies/www.tiktok.com_cookies.txt'),
    ],
    ['PROXY_URLS', (c) => c.egress.proxies, []],
    ['EXTRA_CA_CERTS', (c) => c.egress.extraCaFile, null],
    ['REDIS_URL', (c) => c.secrets.redisUrl, null],
    ['MAX_RENDERS', (c) => c.renders.max, null],
    ['CACHE_TTL', (c) => c.cache.ttlMs, 300_000],
    ['RATE_LIMIT_MAX', (c) => c.limits.perMinute, 120],
    ['TRUST_PROXY', (c) => c.server.trustProxy, false],
    ['CORS_ORIGIN', (c) => c.server.corsOrigin, '*'],
    ['SLIDE_SECONDS', (c) => c.slideshow.slideSeconds, 4],
    ['PREFER_CODEC', (c) => c.posts.preferCodec, 'best'],
    ['FILENAME_TEMPLATE', (c) => c.files.nameTemplate, [{ field: 'user' }, '_', { field: 'id' }]],
    ['MANAGEMENT_PORT', (c) => c.server.managementPort, null],
    ['DOWNLOADS_PER_MINUTE', (c) => c.limits.downloadsPerMinute, 600],
    ['DOWNLOADS_AT_ONCE', (c) => c.limits.downloadsAtOnce, 32],
    ['HEALTH_TOKEN', (c) => c.secrets.healthToken, null],
    ['SHUTDOWN_DELAY', (c) => c.server.shutdownDelayMs, 0],
    ['GLUETUN_URL', (c) => c.egress.gluetunUrl, null],
    ['API_KEYS_PATH', (c) => c.access.keysPath, null],
    ['REQUIRE_KEY', (c) => c.access.requireKey, false],
    ['BOT_CHECK', (c) => c.access.botCheck, false],
    ['GLUETUN_API_KEY', (c) => c.secrets.gluetunApiKey, null],
    ['WEB_PAGE', (c) => c.server.webPage, true],
    ['DIALECTS', (c) => c.server.dialects, []],
    ['CANARY_URL', (c) => c.extraction.canaryUrl, null],
    ['ENGINE_UPDATE_CRON', (c) => c.extraction.engineUpdateCron, null],
    ['LOG_LEVEL', (c) => c.server.logLevel, 'info'],
  ])('has the documented default of %s', (_, read, value) => {
    expect(read(config)).toEqual(value);
  });

  it.each(['', '  '])('holds for a variable set to %j, as compose files write it', (PORT) => {
    expect(loadConfig({ PORT }).server.port).toBe(3021);
  });
});

describe('a given value', () => {
  it.each<[name: string, given: string, read: (config: Config) => unknown, value: unknown]>([
    ['PORT', '80', (c) => c.server.port, 80],
    ['HOST', '::1', (c) => c.server.host, '::1'],
    ['BASE_URL', 'https://media.example.com/tt//', (c) => c.server.baseUrl, 'https://media.example.com/tt'],
    ['LINK_TTL_MINUTES', '5', (c) => c.links.ttlMs, 300_000],
    ['MAX_WORKERS', '3', (c) => c.extraction.maxWorkers, 3],
    ['MAX_QUEUE', '0', (c) => c.extraction.maxQueue, 0],
    ['YTDLP_TIMEOUT', '1.5', (c) => c.extraction.timeoutMs, 1500],
    ['DOWNLOAD_TIMEOUT', '9', (c) => c.relay.stallTimeoutMs, 9000],
    ['TEMP_DIR', '/var/x', (c) => c.temp.dir, '/var/x'],
    ['CLEANUP_CRON', '0 3 * * 1', (c) => c.temp.cleanupCron, '0 3 * * 1'],
    ['COOKIES_PATH', '/var/c.txt', (c) => c.extraction.cookiesPath, '/var/c.txt'],
    ['CACHE_TTL', '0', (c) => c.cache.ttlMs, 0],
    ['RATE_LIMIT_MAX', '0', (c) => c.limits.perMinute, null],
    ['DOWNLOADS_PER_MINUTE', '0', (c) => c.limits.downloadsPerMinute, null],
    ['DOWNLOADS_AT_ONCE', '0', (c) => c.limits.downloadsAtOnce, null],
    ['MANAGEMENT_PORT', '9090', (c) => c.server.managementPort, 9090],
    ['SHUTDOWN_DELAY', '5', (c) => c.server.shutdownDelayMs, 5000],
    ['TRUST_PROXY', 'true', (c) => c.server.trustProxy, true],
    ['TRUST_PROXY', '2', (c) => c.server.trustProxy, 2],
    ['TRUST_PROXY', 'cloudflare,private', (c) => c.server.trustProxy, 'cloudflare,private'],
    ['TRUST_PROXY', '10.0.0.0/8,::1', (c) => c.server.trustProxy, '10.0.0.0/8,::1'],
    [
      'CORS_ORIGIN',
      'https://a.example, http://b:81',
      (c) => c.server.corsOrigin,
      ['https://a.example', 'http://b:81'],
    ],
    [
      'CORS_ORIGIN',
      'https://*.a.example,capacitor://localhost,chrome-extension://abcdef',
      (c) => c.server.corsOrigin,
      ['https://*.a.example', 'capacitor://localhost', 'chrome-extension://abcdef'],
    ],
    ['SLIDE_SECONDS', '2.5', (c) => c.slideshow.slideSeconds, 2.5],
    ['PREFER_CODEC', 'h264', (c) => c.posts.preferCodec, 'h264'],
    ['FILENAME_TEMPLATE', '{title}!', (c) => c.files.nameTemplate, [{ field: 'title' }, '!']],
    ['GLUETUN_URL', 'http://gluetun:8000/', (c) => c.egress.gluetunUrl, 'http://gluetun:8000'],
    ['API_KEYS_PATH', '/var/keys.json', (c) => c.access.keysPath, '/var/keys.json'],
    ['BOT_CHECK', 'pow', (c) => c.access.botCheck, true],
    ['WEB_PAGE', 'False', (c) => c.server.webPage, false],
    ['WEB_PAGE', '1', (c) => c.server.webPage, true],
    ['DIALECTS', 'Cobalt, tikwm', (c) => c.server.dialects, ['cobalt', 'tikwm']],
    ['ENGINE_UPDATE_CRON', '0 4 * * *', (c) => c.extraction.engineUpdateCron, '0 4 * * *'],
    ['LOG_LEVEL', 'debug', (c) => c.server.logLevel, 'debug'],
    ['NODE_ENV', 'test', (c) => c.production, false],
  ])('%s=%s is accepted', (name, given, read, value) => {
    expect(read(loadConfig({ [name]: given }))).toEqual(value);
  });

  it.each<
    [name: string, given: string, read: (config: Config) => readonly (Secret | null)[], values: string[]]
  >([
    ['ENCRYPTION_KEY', STRONG_KEY, (c) => [c.secrets.encryptionKey], [STRONG_KEY]],
    [
      'ENCRYPTION_KEY_PREVIOUS',
      `${STRONG_KEY}, ${STRONG_KEY}2`,
      (c) => c.secrets.previousKeys,
      [STRONG_KEY, `${STRONG_KEY}2`],
    ],
    [
      'PROXY_URLS',
      'http://u:p@a:1, socks5://b:2',
      (c) => c.egress.proxies,
      ['http://u:p@a:1', 'socks5://b:2'],
    ],
    ['REDIS_URL', 'rediss://u:p@r:6379/1', (c) => [c.secrets.redisUrl], ['rediss://u:p@r:6379/1']],
    ['REDIS_URL', 'redis://a:1,b:2', (c) => [c.secrets.redisUrl], ['redis://a:1,b:2']],
    ['GLUETUN_API_KEY', 'k', (c) => [c.secrets.gluetunApiKey], ['k']],
  ])('%s is kept as a secret', (name, given, read, values) => {
    expect(read(loadConfig({ [name]: given })).map((one) => one?.reveal())).toEqual(values);
  });
});

describe('a wrong value', () => {
  it.each<[name: string, given: string, expects: RegExp]>([
    ['NODE_ENV', 'prod', /development, production or test/],
    ['NODE_ENV', 'Production', /development, production or test/],
    ['HEALTH_TOKEN', 'short', /16 characters/],
    ['ENCRYPTION_KEY_FILE', './no-such-file', /the path of a readable file \(ENOENT\)/],
    ['REDIS_URL_FILE', './package.json', /redis:\/\//],
    ['PORT', '65536', /whole number from 0 to 65535/],
    ['PORT', '-1', /whole number/],
    ['PORT', '0x50', /whole number/],
    ['PORT', '80.5', /whole number/],
    ['BASE_URL', 'media.example.com', /http or https/],
    ['BASE_URL', 'ftp://media.example.com', /http or https/],
    ['BASE_URL', 'https://media.example.com/?a=1', /without query/],
    ['BASE_URL', 'https://media.example.com/#top', /without query/],
    ['ENCRYPTION_KEY', 'only15character', /16 characters/],
    ['ENCRYPTION_KEY_PREVIOUS', `${STRONG_KEY},short`, /16 characters/],
    ['LINK_TTL_MINUTES', '0', /whole number from 1/],
    ['MAX_WORKERS', '0', /whole number from 1/],
    ['MAX_WORKERS', 'many', /whole number/],
    ['MAX_QUEUE', '-1', /whole number/],
    ['YTDLP_TIMEOUT', '0', /number from 1/],
    ['YTDLP_TIMEOUT', '30s', /number/],
    ['DOWNLOAD_TIMEOUT', '0', /number from 1/],
    ['CLEANUP_CRON', 'hourly', /cron expression/],
    ['CLEANUP_CRON', '99 * * * *', /cron expression/],
    ['PROXY_URLS', 'ftp://proxy:21', /http:\/\/, https:\/\/ or socks5:\/\//],
    ['PROXY_URLS', 'http://ok:1,proxy:3128', /comma-separated/],
    ['BOT_CHECK', 'captcha', /off or pow/],
    ['EXTRA_CA_CERTS', './no-such-file.pem', /PEM file/],
    ['EXTRA_CA_CERTS', '.', /PEM file/],
    ['EXTRA_CA_CERTS', './package.json', /PEM file/],
    ['REDIS_URL', 'http://redis:6379', /redis:\/\//],
    ['REDIS_URL', 'redis', /redis:\/\//],
    ['REDIS_URL', 'redis://a:1,http://b:2', /nodes of a cluster/],
    ['CACHE_TTL', '-5', /number/],
    ['RATE_LIMIT_MAX', 'off', /whole number/],
    ['DELIVERY', 'apache', /relay or nginx/],
    ['DELIVERY', 'nginx', /unless TRUST_PROXY names the nginx/],
    ['TRUST_PROXY', 'maybe', /number of hops/],
    ['TRUST_PROXY', '10.0.0.0/99', /networks/],
    ['CORS_ORIGIN', 'example.com', /origins such as https/],
    ['CORS_ORIGIN', 'https://example.com/', /origins such as https/],
    ['CORS_ORIGIN', 'https://example.com, *', /origins such as https/],
    ['CORS_ORIGIN', 'https://*', /origins such as https/],
    ['CORS_ORIGIN', 'https://a.*.example.com', /origins such as https/],
    ['CORS_ORIGIN', 'https://Example.com', /origins such as https/],
    ['CORS_ORIGIN', 'https://example.com:443', /origins such as https/],
    ['CORS_ORIGIN', 'capacitor://localhost/', /origins such as https/],
    ['SLIDE_SECONDS', '0', /number from 0.5/],
    ['PREFER_CODEC', 'h265', /h264 or best/],
    ['FILENAME_TEMPLATE', '{id}/{title}', /without </],
    ['FILENAME_TEMPLATE', '{id}{nickname}', /\{user\}, \{id\}/],
    ['FILENAME_TEMPLATE', '{id}_{id}', /at most once/],
    ['FILENAME_TEMPLATE', '{user}_{date}', /with \{id\} or \{title\}/],
    ['FILENAME_TEMPLATE', '{id', /with \{id\}/],
    ['FILENAME_TEMPLATE', '{id}\u202E', /without </],
    ['FILENAME_TEMPLATE', `{id}${'x'.repeat(61)}`, /short texts/],
    ['GLUETUN_URL', 'gluetun', /http or https/],
    ['WEB_PAGE', 'on', /true or false/],
    ['DIALECTS', 'cobalt,metube', /a comma-separated list of cobalt, tikwm/],
    ['CANARY_URL', '@user', /http or https/],
    ['ENGINE_UPDATE_CRON', '* * *', /cron expression/],
    ['LOG_LEVEL', 'loud', /pino level/],
  ])('%s=%s stops the start and says what is expected', (name, given, expects) => {
    const message = refusal({ [name]: given });
    expect(message).toMatch(new RegExp(`^${name} must be `));
    expect(message).toMatch(expects);
  });

  it('is named together with the other wrong ones', () => {
    const message = refusal({ PORT: 'x', MAX_WORKERS: 'y' });
    expect(message).toMatch(/PORT must be .*; MAX_WORKERS must be /);
  });

  it('is a setting that another one contradicts', () => {
    expect(refusal({ REQUIRE_KEY: 'true' })).toMatch(/^API_KEYS_PATH must be set where REQUIRE_KEY/);
    expect(refusal({ REQUIRE_KEY: 'true', API_KEYS_PATH: 'keys.json', BOT_CHECK: 'pow' })).toMatch(
      /^BOT_CHECK must be off where REQUIRE_KEY/,
    );
  });

  it('never stops the start with anything but a ConfigError', () => {
    fc.assert(
      fc.property(fc.constantFrom(...VARIABLES), fc.string(), (name, value) => {
        try {
          loadConfig({ [name]: value });
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
          expect((error as Error).message).toContain(name);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('in production', () => {
  const production = (ENCRYPTION_KEY?: string) => ({
    NODE_ENV: 'production',
    ...(ENCRYPTION_KEY !== undefined && { ENCRYPTION_KEY }),
  });

  it('a random key is accepted', () => {
    expect(loadConfig(production(STRONG_KEY)).production).toBe(true);
  });

  it.each([undefined, ''])('a missing key (%j) stops the start', (key) => {
    expect(refusal(production(key))).toMatch(/^ENCRYPTION_KEY must be set/);
  });

  it.each([
    'overflow-overflow-',
    'please-change-me-now',
    'my-secret-key-for-links',
    'your-encryption-key-here',
    'aaaaaaaaaaaaaaaaaaaa',
    'abababababababababab',
    '12345678901234567890',
    'a-default-value-here',
    'abcdefghijklmnop',
    'qwertyuiopasdfgh',
    'zyxwvutsrqponmlkj',
  ])('the known or weak key %s stops the start', (key) => {
    expect(refusal(production(key))).toMatch(/^ENCRYPTION_KEY must be a random key/);
  });

  it('a weak key is accepted elsewhere, for a first try', () => {
    expect(loadConfig({ ENCRYPTION_KEY: 'please-change-me-now' }).secrets.encryptionKey).toBeInstanceOf(
      Secret,
    );
  });
});

describe('secrets', () => {
  const MARK = 'Zq7Xw9Kd3Rt5Lm1P';
  const config = loadConfig({
    ENCRYPTION_KEY: `${MARK}-a`,
    ENCRYPTION_KEY_PREVIOUS: `${MARK}-b`,
    PROXY_URLS: `http://user:${MARK}@proxy:3128`,
    REDIS_URL: `redis://user:${MARK}@redis:6379`,
    GLUETUN_API_KEY: MARK,
  });

  it.each<[string, string]>([
    ['JSON', JSON.stringify(config)],
    ['inspect', inspect(config, { depth: null, showHidden: true })],
    ['plain inspect', inspect(config, { depth: null, customInspect: false })],
    ['String', `${config.egress.proxies} ${config.secrets.encryptionKey} ${Object.values(config.secrets)}`],
  ])('do not appear in %s of the config', (_, printed) => {
    expect(printed).not.toContain(MARK);
  });

  it.each([
    ['ENCRYPTION_KEY', 'Zq7Xw9'],
    ['ENCRYPTION_KEY_PREVIOUS', 'Zq7Xw9'],
    ['PROXY_URLS', 'ftp://user:Zq7Xw9@proxy'],
    ['REDIS_URL', 'http://user:Zq7Xw9@redis'],
  ])('do not appear in the refusal of a wrong %s', (name, value) => {
    expect(refusal({ [name]: value })).not.toContain('Zq7Xw9');
  });

  it('do not appear in the refusal of a weak production key', () => {
    const key = 'Zq7Xw9-change-me-Zq7Xw9';
    expect(refusal({ NODE_ENV: 'production', ENCRYPTION_KEY: key })).not.toContain('Zq7Xw9');
  });
});

describe('secrets in files', () => {
  const dir = mkdtempSync(join(tmpdir(), 'secrets-'));
  const fileWith = (content: string) => {
    const path = join(dir, String(Math.random()));
    writeFileSync(path, content);
    return path;
  };

  afterAll(() => rmSync(dir, { recursive: true }));

  it.each<
    [name: string, content: string, read: (config: Config) => readonly (Secret | null)[], values: string[]]
  >([
    ['ENCRYPTION_KEY', `${STRONG_KEY}\n`, (c) => [c.secrets.encryptionKey], [STRONG_KEY]],
    [
      'ENCRYPTION_KEY_PREVIOUS',
      `${STRONG_KEY},${STRONG_KEY}2\n`,
      (c) => c.secrets.previousKeys,
      [STRONG_KEY, `${STRONG_KEY}2`],
    ],
    [
      'PROXY_URLS',
      'http://u:p@a:1,socks5://b:2\n',
      (c) => c.egress.proxies,
      ['http://u:p@a:1', 'socks5://b:2'],
    ],
    ['REDIS_URL', 'redis://:p@r:6379', (c) => [c.secrets.redisUrl], ['redis://:p@r:6379']],
    ['GLUETUN_API_KEY', 'k\n', (c) => [c.secrets.gluetunApiKey], ['k']],
    ['HEALTH_TOKEN', 'a token for prometheus\n', (c) => [c.secrets.healthToken], ['a token for prometheus']],
  ])('%s_FILE gives the content of the file, without the line end', (name, content, read, values) => {
    expect(read(loadConfig({ [`${name}_FILE`]: fileWith(content) })).map((one) => one?.reveal())).toEqual(
      values,
    );
  });

  it('satisfies production with a good key, and stops the start with a weak one', () => {
    const start = (key: string) =>
      loadConfig({ NODE_ENV: 'production', ENCRYPTION_KEY_FILE: fileWith(key) }).production;
    expect(start(STRONG_KEY)).toBe(true);
    expect(() => start('please-change-me-now')).toThrow(/ENCRYPTION_KEY must be a random key/);
  });

  it('stops the start where the variable is set as well', () => {
    const env = { REDIS_URL: 'redis://r:6379', REDIS_URL_FILE: fileWith('redis://s:6379') };
    expect(refusal(env)).toMatch(/^REDIS_URL_FILE must be unset where REDIS_URL is set/);
  });

  it('stops the start with the name of the _FILE variable where the content is wrong', () => {
    const message = refusal({ ENCRYPTION_KEY_FILE: fileWith('short') });
    expect(message).toMatch(/^ENCRYPTION_KEY_FILE must be at least 16 characters/);
  });
});

describe('relative paths', () => {
  it('start at the project, whatever the working directory is', () => {
    const config = loadConfig({ TEMP_DIR: './work', COOKIES_PATH: 'c.txt', ENGINE_DIR: 'e' }, '/srv/app');
    expect([config.temp.dir, config.extraction.cookiesPath, config.extraction.engineDir]).toEqual([
      '/srv/app/work',
      '/srv/app/c.txt',
      '/srv/app/e',
    ]);
  });
});

describe('warnings', () => {
  it.each<[env: Record<string, string>, about: RegExp]>([
    [{ NODE_ENV: 'production', ENCRYPTION_KEY: STRONG_KEY }, /BASE_URL is not set/],
    [{ TRUST_PROXY: '1' }, /TRUST_PROXY=1 trusts/],
    [{ TRUST_PROXY: 'true' }, /TRUST_PROXY=true trusts/],
    [
      { DELIVERY: 'nginx', TRUST_PROXY: 'loopback', PROXY_URLS: 'http://proxy:3128' },
      /no effect with PROXY_URLS/,
    ],
  ])('%j is warned about', (env, about) => {
    expect(configWarnings(loadConfig(env))).toEqual([expect.stringMatching(about)]);
  });

  it.each<Record<string, string>>([
    {},
    { NODE_ENV: 'production', ENCRYPTION_KEY: STRONG_KEY, BASE_URL: 'https://a.example' },
    { TRUST_PROXY: '1', HOST: '127.0.0.1' },
    { TRUST_PROXY: 'loopback' },
  ])('%j is not', (env) => {
    expect(configWarnings(loadConfig(env))).toEqual([]);
  });
});

describe('the config', () => {
  it('is frozen to its depth', () => {
    const config = loadConfig({ CORS_ORIGIN: 'https://a.example' });
    const parts: unknown[] = [
      config,
      ...Object.values(config),
      config.server.corsOrigin,
      config.egress.proxies,
    ];
    expect(parts.every((part) => Object.isFrozen(part))).toBe(true);
  });
});

describe('EXTRA_CA_CERTS', () => {
  let dir: string;

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'config-'));
  });

  afterAll(() => {
    rmSync(dir, { recursive: true });
  });

  it('takes a file with certificates', () => {
    const file = join(dir, 'ca.pem');
    writeFileSync(file, '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n');
    expect(loadConfig({ EXTRA_CA_CERTS: file }).egress.extraCaFile).toBe(file);
  });
});

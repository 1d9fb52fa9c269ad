import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import {
  corsOrigin,
  cron,
  type Dialect,
  dialects,
  encryptionKey,
  encryptionKeys,
  type Feature,
  type FileNameTemplate,
  features,
  fileContent,
  fileNameTemplate,
  flag,
  integer,
  linkBase,
  number,
  proxyList,
  redisUrl,
  trustProxy,
  webUrl,
} from './config-values.ts';
import { isWeakKey } from './key-strength.ts';
import { defaultWorkers } from './memory.ts';
import { Secret } from './secret.ts';

/** The folder that holds package.json: dist/ or src/ lies in it. Relative paths of settings start here. */
export const PROJECT_ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The environment, validated once at the start, frozen, and grouped by use. */
export interface Config {
  production: boolean;
  server: {
    /** `::` is every address, IPv4 too. */
    host: string;
    port: number;
    /** The start of every link; null for the address that each request came to. */
    baseUrl: string | null;
    /** Port of the second listener, for /health and /metrics; null for none. */
    managementPort: number | null;
    trustProxy: boolean | number | string;
    /** Origins, also with `*.` before the host; `*` for all. */
    corsOrigin: string[] | '*';
    webPage: boolean;
    dialects: readonly Dialect[];
    logLevel: string;
    /** Between the signal and the end of the listener, while /health/ready answers 503. */
    shutdownDelayMs: number;
    shutdownGraceMs: number;
  };
  links: { ttlMs: number };
  files: { nameTemplate: FileNameTemplate };
  extraction: {
    maxWorkers: number;
    maxQueue: number;
    timeoutMs: number;
    cookiesPath: string;
    canaryUrl: string | null;
    engineUpdateCron: string | null;
    /** Where updates of the engine go; null for the project's own `.engine`. */
    engineDir: string | null;
  };
  posts: { preferCodec: 'h264' | 'best' };
  relay: {
    stallTimeoutMs: number;
    /** Who fetches files for clients; see http/delivery.ts. */
    delivery: 'relay' | 'nginx';
  };
  egress: { proxies: Secret[]; extraCaFile: string | null; gluetunUrl: string | null };
  cache: { ttlMs: number };
  /** For one client; null for no limit. */
  limits: { perMinute: number | null; downloadsPerMinute: number | null; downloadsAtOnce: number | null };
  /** What the operator excludes; a null bound is none. */
  rules: {
    blockListPath: string | null;
    disabled: readonly Feature[];
    maxVideoMs: number | null;
    maxFileBytes: number | null;
  };
  /** Who may ask for posts. */
  access: {
    /** Null for no API keys. */
    keysPath: string | null;
    requireKey: boolean;
    /** Whether visitors without a key solve a proof of work. */
    botCheck: boolean;
  };
  slideshow: { slideSeconds: number };
  /** Slideshows and MP3s made at a time; null for as many as cores and memory allow. */
  renders: { max: number | null };
  temp: { dir: string; cleanupCron: string };
  secrets: {
    encryptionKey: Secret | null;
    previousKeys: Secret[];
    redisUrl: Secret | null;
    gluetunApiKey: Secret | null;
    healthToken: Secret | null;
  };
}

/** Stops the start: names the variable, and what it expects. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

const healthToken = z.string().min(16, 'at least 16 characters');

const schema = z.object({
  NODE_ENV: z
    .enum(['development', 'production', 'test'], 'development, production or test')
    .default('development'),
  PORT: integer(0, 65535).default(3021),
  HOST: z.string().default('::'),
  MANAGEMENT_PORT: integer(0, 65535).optional(),
  BASE_URL: linkBase.optional(),
  ENCRYPTION_KEY: encryptionKey.optional(),
  ENCRYPTION_KEY_FILE: fileContent.pipe(encryptionKey).optional(),
  ENCRYPTION_KEY_PREVIOUS: encryptionKeys.optional(),
  ENCRYPTION_KEY_PREVIOUS_FILE: fileContent.pipe(encryptionKeys).optional(),
  LINK_TTL_MINUTES: integer(1, 525_600).default(360),
  MAX_WORKERS: integer(1, 256).default(() => defaultWorkers()),
  MAX_QUEUE: integer(0, 1_000_000).default(2000),
  YTDLP_TIMEOUT: number(1, 600).default(30),
  DOWNLOAD_TIMEOUT: number(1, 86_400).default(120),
  DELIVERY: z.enum(['relay', 'nginx'], 'relay or nginx').default('relay'),
  TEMP_DIR: z.string().default('./temp'),
  CLEANUP_CRON: cron.default('*/15 * * * *'),
  COOKIES_PATH: z.string().default('./cookies/www.tiktok.com_cookies.txt'),
  PROXY_URLS: proxyList.optional(),
  PROXY_URLS_FILE: fileContent.pipe(proxyList).optional(),
  EXTRA_CA_CERTS: z.string().optional(),
  REDIS_URL: redisUrl.optional(),
  REDIS_URL_FILE: fileContent.pipe(redisUrl).optional(),
  CACHE_TTL: number(0, 86_400).default(300),
  RATE_LIMIT_MAX: integer(0, 1_000_000).default(120),
  DOWNLOADS_PER_MINUTE: integer(0, 1_000_000).default(600),
  DOWNLOADS_AT_ONCE: integer(0, 1_000_000).default(32),
  TRUST_PROXY: trustProxy.default(false),
  CORS_ORIGIN: corsOrigin.default('*'),
  SLIDE_SECONDS: number(0.5, 60).default(4),
  MAX_RENDERS: integer(1, 256).optional(),
  FILENAME_TEMPLATE: fileNameTemplate.prefault('{user}_{id}'),
  PREFER_CODEC: z.enum(['h264', 'best'], 'h264 or best').default('best'),
  API_KEYS_PATH: z.string().optional(),
  REQUIRE_KEY: flag.default(false),
  BOT_CHECK: z.enum(['off', 'pow'], 'off or pow').default('off'),
  BLOCKLIST_PATH: z.string().optional(),
  DISABLE: features.default([]),
  MAX_VIDEO_MINUTES: number(0, 1440).default(0),
  MAX_FILE_MB: integer(0, 1_000_000).default(0),
  GLUETUN_URL: webUrl.optional(),
  GLUETUN_API_KEY: z.string().optional(),
  GLUETUN_API_KEY_FILE: fileContent.optional(),
  HEALTH_TOKEN: healthToken.optional(),
  HEALTH_TOKEN_FILE: fileContent.pipe(healthToken).optional(),
  WEB_PAGE: flag.default(true),
  DIALECTS: dialects.default([]),
  CANARY_URL: webUrl.optional(),
  ENGINE_UPDATE_CRON: cron.optional(),
  ENGINE_DIR: z.string().optional(),
  SHUTDOWN_DELAY: number(0, 600).default(0),
  SHUTDOWN_GRACE: number(0, 3600).default(30),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'a pino level such as info')
    .default('info'),
});

/**
 * Reads the configuration from an environment. An empty variable counts as unset, as compose files write them.
 * @param root folder that relative paths start from
 * @throws ConfigError that names every wrong variable and what it expects, never its value
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  root: string = PROJECT_ROOT,
): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
  checkFileVariables(given);
  const result = schema.safeParse(given);
  if (!result.success) {
    const lines = result.error.issues.map((issue) => `${issue.path.join('.')} must be ${issue.message}`);
    throw new ConfigError([...new Set(lines)].join('; '));
  }
  const e = result.data;
  const production = e.NODE_ENV === 'production';
  const key = e.ENCRYPTION_KEY ?? e.ENCRYPTION_KEY_FILE;
  if (production) checkProductionKey(key);
  if (e.DELIVERY === 'nginx' && e.TRUST_PROXY === false) {
    throw new ConfigError('DELIVERY must be relay unless TRUST_PROXY names the nginx in front');
  }
  return deepFreeze({
    production,
    server: {
      host: e.HOST,
      port: e.PORT,
      baseUrl: e.BASE_URL ?? null,
      managementPort: e.MANAGEMENT_PORT ?? null,
      trustProxy: e.TRUST_PROXY,
      corsOrigin: e.CORS_ORIGIN,
      webPage: e.WEB_PAGE,
      dialects: e.DIALECTS,
      logLevel: e.LOG_LEVEL,
      shutdownDelayMs: e.SHUTDOWN_DELAY * 1000,
      shutdownGraceMs: e.SHUTDOWN_GRACE * 1000,
    },
    links: { ttlMs: e.LINK_TTL_MINUTES * 60_000 },
    files: { nameTemplate: e.FILENAME_TEMPLATE },
    extraction: {
      maxWorkers: e.MAX_WORKERS,
      maxQueue: e.MAX_QUEUE,
      timeoutMs: e.YTDLP_TIMEOUT * 1000,
      cookiesPath: resolve(root, e.COOKIES_PATH),
      canaryUrl: e.CANARY_URL ?? null,
      engineUpdateCron: e.ENGINE_UPDATE_CRON ?? null,
      engineDir: e.ENGINE_DIR === undefined ? null : resolve(root, e.ENGINE_DIR),
    },
    posts: { preferCodec: e.PREFER_CODEC },
    relay: { stallTimeoutMs: e.DOWNLOAD_TIMEOUT * 1000, delivery: e.DELIVERY },
    egress: {
      proxies: (e.PROXY_URLS ?? e.PROXY_URLS_FILE ?? []).map((url) => new Secret(url)),
      extraCaFile: e.EXTRA_CA_CERTS === undefined ? null : pemFile(resolve(root, e.EXTRA_CA_CERTS)),
      gluetunUrl: e.GLUETUN_URL ?? null,
    },
    cache: { ttlMs: e.CACHE_TTL * 1000 },
    limits: {
      perMinute: e.RATE_LIMIT_MAX || null,
      downloadsPerMinute: e.DOWNLOADS_PER_MINUTE || null,
      downloadsAtOnce: e.DOWNLOADS_AT_ONCE || null,
    },
    rules: {
      blockListPath: e.BLOCKLIST_PATH === undefined ? null : resolve(root, e.BLOCKLIST_PATH),
      disabled: e.DISABLE,
      maxVideoMs: e.MAX_VIDEO_MINUTES * 60_000 || null,
      maxFileBytes: e.MAX_FILE_MB * 1_000_000 || null,
    },
    access: access(e, root),
    slideshow: { slideSeconds: e.SLIDE_SECONDS },
    renders: { max: e.MAX_RENDERS ?? null },
    temp: { dir: resolve(root, e.TEMP_DIR), cleanupCron: e.CLEANUP_CRON },
    secrets: {
      encryptionKey: secret(key),
      previousKeys: (e.ENCRYPTION_KEY_PREVIOUS ?? e.ENCRYPTION_KEY_PREVIOUS_FILE ?? []).map(
        (previous) => new Secret(previous),
      ),
      redisUrl: secret(e.REDIS_URL ?? e.REDIS_URL_FILE),
      gluetunApiKey: secret(e.GLUETUN_API_KEY ?? e.GLUETUN_API_KEY_FILE),
      healthToken: secret(e.HEALTH_TOKEN ?? e.HEALTH_TOKEN_FILE),
    },
  });
}

/** @throws ConfigError where a variable is given both itself and as a file */
function checkFileVariables(given: Readonly<Record<string, unknown>>): void {
  const files = Object.keys(schema.shape).filter((name) => name.endsWith('_FILE'));
  const both = files.find((name) => name in given && name.slice(0, -'_FILE'.length) in given);
  if (both) throw new ConfigError(`${both} must be unset where ${both.slice(0, -'_FILE'.length)} is set`);
}

function checkProductionKey(key: string | undefined): void {
  if (!key) {
    throw new ConfigError(
      'ENCRYPTION_KEY must be set where NODE_ENV=production: 16 characters or more, e.g. from `openssl rand -base64 32`',
    );
  }
  if (isWeakKey(key)) {
    throw new ConfigError(
      'ENCRYPTION_KEY must be a random key of its own: the one given is a known or weak one',
    );
  }
}

/** @throws ConfigError where two of the variables contradict each other */
function access(e: z.infer<typeof schema>, root: string): Config['access'] {
  const botCheck = e.BOT_CHECK === 'pow';
  if (e.REQUIRE_KEY && e.API_KEYS_PATH === undefined) {
    throw new ConfigError('API_KEYS_PATH must be set where REQUIRE_KEY=true');
  }
  if (e.REQUIRE_KEY && botCheck) {
    throw new ConfigError('BOT_CHECK must be off where REQUIRE_KEY=true: it is for visitors without a key');
  }
  const keysPath = e.API_KEYS_PATH === undefined ? null : resolve(root, e.API_KEYS_PATH);
  return { keysPath, requireKey: e.REQUIRE_KEY, botCheck };
}

function pemFile(path: string): string {
  try {
    if (readFileSync(path, 'utf8').includes('-----BEGIN CERTIFICATE-----')) return path;
  } catch {
    // The error below names the setting.
  }
  throw new ConfigError('EXTRA_CA_CERTS must be the path of a readable PEM file with certificates');
}

function secret(value: string | undefined): Secret | null {
  return value === undefined ? null : new Secret(value);
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null && !(inner instanceof Secret)) deepFreeze(inner);
  }
  return Object.freeze(value);
}

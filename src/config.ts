import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Cron } from 'croner';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { Secret } from './secret.ts';

/** The environment (CONTRACT §7), checked once at the start, frozen and grouped by who uses it. */
export interface Config {
  production: boolean;
  server: {
    host: string;
    port: number;
    baseUrl: string;
    trustProxy: boolean | number | string;
    corsOrigin: string[] | '*';
    webPage: boolean;
    logLevel: string;
    shutdownGraceMs: number;
  };
  links: { ttlMs: number };
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
  relay: { stallTimeoutMs: number };
  egress: { proxies: Secret[]; extraCaFile: string | null; gluetunUrl: string | null };
  cache: { ttlMs: number };
  limits: { perMinute: number };
  slideshow: { slideSeconds: number };
  /** Slideshows and MP3s made at a time; null for as many as cores and memory allow. */
  renders: { max: number | null };
  temp: { dir: string; cleanupCron: string };
  secrets: {
    encryptionKey: Secret | null;
    previousKeys: Secret[];
    redisUrl: Secret | null;
    gluetunApiKey: Secret | null;
  };
}

/** The start stops with this: which variable, and what it expects. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** Keys that the predecessors, tutorials and this repository's examples made public. */
const WEAK_KEY =
  /overflow|change[-_ ]?me|secret[-_ ]?key|your[-_ ].*key|example|default|password|^(.)\1+$|1234567/i;

const PROXY_PROTOCOLS = new Set(['http:', 'https:', 'socks5:', 'socks5h:']);

const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `a whole number from ${min} to ${max}`);

const number = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/, `a number from ${min} to ${max}`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `a number from ${min} to ${max}`);

const flag = z
  .string()
  .toLowerCase()
  .refine((s) => ['true', 'false', '1', '0', 'yes', 'no'].includes(s), 'true or false')
  .transform((s) => ['true', '1', 'yes'].includes(s));

const webUrl = z
  .string()
  .refine((s) => URL.canParse(s) && /^https?:$/.test(new URL(s).protocol), 'an http or https address')
  .transform((s) => s.replace(/\/+$/, ''));

/** Paths and queries are put behind it. */
const linkBase = webUrl.refine((s) => !/[?#]/.test(s), 'an address without query and fragment');

const cron = z.string().refine(isCron, 'a cron expression such as "*/15 * * * *"');

/** One URL, or a cluster: a URL and more nodes as `host:port` or URLs, separated by commas. */
const redisUrl = z.string().refine((s) => {
  const [first = '', ...others] = s.split(',').map((node) => node.trim());
  const isUrl = (node: string) => URL.canParse(node) && /^rediss?:$/.test(new URL(node).protocol);
  return isUrl(first) && others.every((node) => isUrl(node) || /^[^/@\s]*$/.test(node));
}, 'a redis:// or rediss:// address, or a comma-separated list of the nodes of a cluster');

const proxyList = z
  .string()
  .transform(splitList)
  .refine((list) => list.every(isProxy), {
    message: 'a comma-separated list of http://, https:// or socks5:// proxies',
  });

const trustProxy = z
  .string()
  .refine((s) => /^(true|false|yes|no|\d+)$/i.test(s) || splitList(s).every(isNetwork), {
    message: 'true, false, a number of hops, or a comma-separated list of addresses and networks',
  })
  .transform((s): boolean | number | string => {
    if (/^(true|yes)$/i.test(s)) return true;
    if (/^(false|no)$/i.test(s)) return false;
    return /^\d+$/.test(s) ? Number(s) : s;
  });

const readablePem = z
  .string()
  .transform((s) => resolve(s))
  .refine(isPemFile, 'the path of a readable PEM file with certificates');

const corsOrigin = z
  .string()
  .refine(
    (s) => s.trim() === '*' || splitList(s).every(isOrigin),
    '* or a comma-separated list of origins such as https://example.com',
  )
  .transform((s): string[] | '*' => (s.trim() === '*' ? '*' : splitList(s)));

const schema = z.object({
  NODE_ENV: z.string().default('development'),
  PORT: integer(0, 65535).default(3021),
  HOST: z.string().default('0.0.0.0'),
  BASE_URL: linkBase.optional(),
  ENCRYPTION_KEY: z.string().min(16, 'at least 16 characters').optional(),
  ENCRYPTION_KEY_PREVIOUS: z
    .string()
    .transform(splitList)
    .refine((keys) => keys.every((key) => key.length >= 16), 'comma-separated keys of at least 16 characters')
    .default([]),
  LINK_TTL_MINUTES: integer(1, 525_600).default(360),
  MAX_WORKERS: integer(1, 256).default(20),
  MAX_QUEUE: integer(0, 1_000_000).default(2000),
  YTDLP_TIMEOUT: number(1, 600).default(30),
  DOWNLOAD_TIMEOUT: number(1, 86_400).default(120),
  TEMP_DIR: z.string().default('./temp'),
  CLEANUP_CRON: cron.default('*/15 * * * *'),
  COOKIES_PATH: z.string().default('./cookies/www.tiktok.com_cookies.txt'),
  PROXY_URLS: proxyList.default([]),
  EXTRA_CA_CERTS: readablePem.optional(),
  REDIS_URL: redisUrl.optional(),
  CACHE_TTL: number(0, 86_400).default(300),
  RATE_LIMIT_MAX: integer(0, 1_000_000).default(120),
  TRUST_PROXY: trustProxy.default(false),
  CORS_ORIGIN: corsOrigin.default('*'),
  SLIDE_SECONDS: number(0.5, 60).default(4),
  MAX_RENDERS: integer(1, 256).optional(),
  PREFER_CODEC: z.enum(['h264', 'best'], 'h264 or best').default('h264'),
  GLUETUN_URL: webUrl.optional(),
  GLUETUN_API_KEY: z.string().optional(),
  WEB_PAGE: flag.default(true),
  CANARY_URL: webUrl.optional(),
  ENGINE_UPDATE_CRON: cron.optional(),
  ENGINE_DIR: z.string().optional(),
  SHUTDOWN_GRACE: number(0, 3600).default(30),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'a pino level such as info')
    .default('info'),
});

/**
 * Reads the configuration out of an environment. An empty variable counts as unset, as compose files write them.
 * @throws ConfigError that names every wrong variable and what it expects, never its value
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
  const result = schema.safeParse(given);
  if (!result.success) {
    const lines = result.error.issues.map((issue) => `${issue.path.join('.')} must be ${issue.message}`);
    throw new ConfigError([...new Set(lines)].join('; '));
  }
  const e = result.data;
  const production = e.NODE_ENV === 'production';
  if (production) checkProductionKey(e.ENCRYPTION_KEY);
  return deepFreeze({
    production,
    server: {
      host: e.HOST,
      port: e.PORT,
      baseUrl: e.BASE_URL ?? `http://localhost:${e.PORT}`,
      trustProxy: e.TRUST_PROXY,
      corsOrigin: e.CORS_ORIGIN,
      webPage: e.WEB_PAGE,
      logLevel: e.LOG_LEVEL,
      shutdownGraceMs: e.SHUTDOWN_GRACE * 1000,
    },
    links: { ttlMs: e.LINK_TTL_MINUTES * 60_000 },
    extraction: {
      maxWorkers: e.MAX_WORKERS,
      maxQueue: e.MAX_QUEUE,
      timeoutMs: e.YTDLP_TIMEOUT * 1000,
      cookiesPath: resolve(e.COOKIES_PATH),
      canaryUrl: e.CANARY_URL ?? null,
      engineUpdateCron: e.ENGINE_UPDATE_CRON ?? null,
      engineDir: e.ENGINE_DIR === undefined ? null : resolve(e.ENGINE_DIR),
    },
    posts: { preferCodec: e.PREFER_CODEC },
    relay: { stallTimeoutMs: e.DOWNLOAD_TIMEOUT * 1000 },
    egress: {
      proxies: e.PROXY_URLS.map((url) => new Secret(url)),
      extraCaFile: e.EXTRA_CA_CERTS ?? null,
      gluetunUrl: e.GLUETUN_URL ?? null,
    },
    cache: { ttlMs: e.CACHE_TTL * 1000 },
    limits: { perMinute: e.RATE_LIMIT_MAX },
    slideshow: { slideSeconds: e.SLIDE_SECONDS },
    renders: { max: e.MAX_RENDERS ?? null },
    temp: { dir: resolve(e.TEMP_DIR), cleanupCron: e.CLEANUP_CRON },
    secrets: {
      encryptionKey: secret(e.ENCRYPTION_KEY),
      previousKeys: e.ENCRYPTION_KEY_PREVIOUS.map((key) => new Secret(key)),
      redisUrl: secret(e.REDIS_URL),
      gluetunApiKey: secret(e.GLUETUN_API_KEY),
    },
  });
}

function checkProductionKey(key: string | undefined): void {
  if (!key) {
    throw new ConfigError(
      'ENCRYPTION_KEY must be set where NODE_ENV=production: 16 characters or more, e.g. from `openssl rand -base64 32`',
    );
  }
  if (WEAK_KEY.test(key) || new Set(key).size < 6) {
    throw new ConfigError(
      'ENCRYPTION_KEY must be a random key of its own: the one given is a known or weak one',
    );
  }
}

function secret(value: string | undefined): Secret | null {
  return value === undefined ? null : new Secret(value);
}

function splitList(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}

function isProxy(value: string): boolean {
  return (
    URL.canParse(value) && PROXY_PROTOCOLS.has(new URL(value).protocol) && new URL(value).hostname !== ''
  );
}

function isNetwork(value: string): boolean {
  return (
    ['loopback', 'linklocal', 'uniquelocal'].includes(value) ||
    ipaddr.isValid(value) ||
    ipaddr.isValidCIDR(value)
  );
}

/** As browsers send it: no path, not even a slash at the end. */
function isOrigin(value: string): boolean {
  return URL.canParse(value) && new URL(value).origin === value;
}

function isPemFile(path: string): boolean {
  try {
    return readFileSync(path, 'utf8').includes('-----BEGIN CERTIFICATE-----');
  } catch {
    return false;
  }
}

function isCron(value: string): boolean {
  try {
    new Cron(value, { paused: true }).stop();
    return true;
  } catch {
    return false;
  }
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null && !(inner instanceof Secret)) deepFreeze(inner);
  }
  return Object.freeze(value);
}

import { readFileSync } from 'node:fs';
import { Cron } from 'croner';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

/** The kinds of values that environment variables hold. Each message completes "NAME must be …". */

const PROXY_PROTOCOLS = new Set(['http:', 'https:', 'socks5:', 'socks5h:']);

export const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `a whole number from ${min} to ${max}`);

export const number = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/, `a number from ${min} to ${max}`)
    .transform(Number)
    .refine((n) => n >= min && n <= max, `a number from ${min} to ${max}`);

/** What DISABLE can turn off. */
const FEATURES = ['mp3', 'slideshow', 'zip', 'douyin'] as const;

/** Other services whose API is spoken as well. */
const DIALECTS = ['cobalt', 'tikwm'] as const;

export type Feature = (typeof FEATURES)[number];
export type Dialect = (typeof DIALECTS)[number];

export const features = someOf(FEATURES);
export const dialects = someOf(DIALECTS);

const FILE_NAME_FIELDS = ['user', 'id', 'title', 'date', 'index'] as const;

export type FileNameField = (typeof FILE_NAME_FIELDS)[number];

/** Texts, and the fields between them. */
export type FileNameTemplate = readonly (string | { readonly field: FileNameField })[];

/** Bytes of the texts between the fields. */
const MAX_TEMPLATE_TEXT = 60;

export const fileNameTemplate = z
  .string()
  .refine(
    isFileNameTemplate,
    `a name made of {${FILE_NAME_FIELDS.join('}, {')}}, each at most once, with {id} or {title}, and of short texts without < > : " / \\ | ? *`,
  )
  .transform(splitTemplate);

export const flag = z
  .string()
  .toLowerCase()
  .refine((s) => ['true', 'false', '1', '0', 'yes', 'no'].includes(s), 'true or false')
  .transform((s) => ['true', '1', 'yes'].includes(s));

export const webUrl = z
  .string()
  .refine((s) => URL.canParse(s) && /^https?:$/.test(new URL(s).protocol), 'an http or https address')
  .transform((s) => s.replace(/\/+$/, ''));

/** Paths and queries are appended to it. */
export const linkBase = webUrl.refine((s) => !/[?#]/.test(s), 'an address without query and fragment');

export const cron = z.string().refine(isCron, 'a cron expression such as "*/15 * * * *"');

/** One URL, or a cluster: a URL and more nodes as `host:port` or URLs, separated by commas. */
export const redisUrl = z.string().refine((s) => {
  const [first = '', ...others] = s.split(',').map((node) => node.trim());
  const isUrl = (node: string) => URL.canParse(node) && /^rediss?:$/.test(new URL(node).protocol);
  return isUrl(first) && others.every((node) => isUrl(node) || /^[^/@\s]*$/.test(node));
}, 'a redis:// or rediss:// address, or a comma-separated list of the nodes of a cluster');

export const proxyList = z
  .string()
  .transform(splitList)
  .refine((list) => list.every(isProxy), {
    message: 'a comma-separated list of http://, https:// or socks5:// proxies',
  });

export const trustProxy = z
  .string()
  .refine((s) => /^(true|false|yes|no|\d+)$/i.test(s) || splitList(s).every(isNetwork), {
    message:
      'true, false, a number of hops, or a comma-separated list of addresses, networks, loopback, private and cloudflare',
  })
  .transform((s): boolean | number | string => {
    if (/^(true|yes)$/i.test(s)) return true;
    if (/^(false|no)$/i.test(s)) return false;
    return /^\d+$/.test(s) ? Number(s) : s;
  });

export const encryptionKey = z.string().min(16, 'at least 16 characters');

export const encryptionKeys = z
  .string()
  .transform(splitList)
  .refine((keys) => keys.every((key) => key.length >= 16), 'comma-separated keys of at least 16 characters');

/** The content of a file, without white space around it, as Docker, Kubernetes and systemd hand over secrets. */
export const fileContent = z.string().transform((path, context) => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    context.addIssue({ code: 'custom', message: `the path of a readable file (${code})` });
    return z.NEVER;
  }
});

export const origin = z
  .string()
  .refine(
    (s) => !s.includes('*') && isOrigin(s),
    'an origin such as https://example.com or capacitor://localhost',
  );

export const corsOrigin = z
  .string()
  .refine(
    (s) => s.trim() === '*' || splitList(s).every(isOrigin),
    '* or a comma-separated list of origins such as https://example.com, https://*.example.com or capacitor://localhost',
  )
  .transform((s): string[] | '*' => (s.trim() === '*' ? '*' : splitList(s)));

function someOf<T extends string>(names: readonly T[]) {
  return z
    .string()
    .toLowerCase()
    .transform(splitList)
    .refine(
      (list): list is T[] => list.every((one) => (names as readonly string[]).includes(one)),
      `a comma-separated list of ${names.join(', ')}`,
    );
}

function splitList(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}

/** At each `{name}`, which need not be a field. */
function splitTemplate(value: string): FileNameTemplate {
  return value
    .split(/(\{[^{}]*\})/)
    .filter(Boolean)
    .map((part) => (/^\{.*\}$/.test(part) ? { field: part.slice(1, -1) as FileNameField } : part));
}

function isFileNameTemplate(value: string): boolean {
  const parts = splitTemplate(value);
  const fields = parts.flatMap((part) => (typeof part === 'string' ? [] : part.field));
  const text = parts.filter((part) => typeof part === 'string').join('');
  return (
    fields.every((field) => FILE_NAME_FIELDS.includes(field)) &&
    new Set(fields).size === fields.length &&
    (fields.includes('id') || fields.includes('title')) &&
    !/[<>:"/\\|?*{}\p{C}]/u.test(text) &&
    Buffer.byteLength(text) <= MAX_TEMPLATE_TEXT
  );
}

function isProxy(value: string): boolean {
  return (
    URL.canParse(value) && PROXY_PROTOCOLS.has(new URL(value).protocol) && new URL(value).hostname !== ''
  );
}

function isNetwork(value: string): boolean {
  return (
    ['loopback', 'linklocal', 'uniquelocal', 'private', 'cloudflare'].includes(value) ||
    ipaddr.isValid(value) ||
    ipaddr.isValidCIDR(value)
  );
}

/** As browsers and apps send it: without a path, not even a trailing slash; of the host, `*.` stands for subdomains. */
function isOrigin(value: string): boolean {
  const origin = value.replace('://*.', '://subdomain.');
  if (origin.includes('*')) return false;
  if (/^https?:/i.test(origin)) return URL.canParse(origin) && new URL(origin).origin === origin;
  // Schemes of apps, whose origin URL does not know.
  return /^[a-z][a-z\d+.-]*:\/\/[a-z\d._-]+(:\d+)?$/.test(origin);
}

function isCron(value: string): boolean {
  try {
    new Cron(value, { paused: true }).stop();
    return true;
  } catch {
    return false;
  }
}

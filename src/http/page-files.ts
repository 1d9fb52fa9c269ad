import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';

/** The built web page, relative to src/http and to dist/http alike. */
const FOLDER = new URL('../../dist/web/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};

/** Files with a fixed address; they name all the others. */
const ENTRIES: Readonly<Record<string, string>> = {
  'index.html': '/',
  'sw.js': '/sw.js',
  'manifest.webmanifest': '/manifest.webmanifest',
};

/** A compressed body is used only below this part of the original size. */
const WORTHWHILE = 0.9;

export type Encoding = 'br' | 'gzip' | 'identity';

export interface Body {
  bytes: Buffer;
  /** Strong, so each encoding has its own. */
  etag: string;
}

export interface PageFile {
  /** Path of the URL. */
  path: string;
  type: string;
  /** Whether the path holds the version of all files, so that its bytes never change. */
  immutable: boolean;
  identity: Body;
  /** Compressed bodies, smallest first. */
  encoded: ReadonlyMap<Encoding, Body>;
}

/**
 * Reads and compresses the page. All files but ENTRIES lie in a folder named by the content of all, so that they can
 * be cached for ever and import each other by relative names.
 */
export async function loadPageFiles(): Promise<PageFile[]> {
  const names = (await readdir(FOLDER, { recursive: true })).sort().filter((name) => extname(name) in TYPES);
  const files = await Promise.all(
    names.map(async (name) => ({ name, bytes: await readFile(new URL(name, FOLDER)) })),
  );
  const assets = names.filter((name) => !(name in ENTRIES));
  const folder = `web/${digest(files.map(({ name, bytes }) => `${name} ${digest(bytes)}`).join('\n'))}`;
  const replacePlaceholders = (bytes: Buffer) =>
    bytes.toString().replaceAll('%ASSETS%', folder).replace('%FILES%', assets.join(' '));
  return Promise.all(
    files.map(async ({ name, bytes }) => {
      const entry = ENTRIES[name];
      const body = entry === undefined ? bytes : Buffer.from(replacePlaceholders(bytes));
      return {
        path: entry ?? `/${folder}/${name}`,
        type: TYPES[extname(name)] ?? '',
        immutable: entry === undefined,
        identity: { bytes: body, etag: `"${digest(body)}"` },
        encoded: await encode(body),
      };
    }),
  );
}

async function encode(bytes: Buffer): Promise<PageFile['encoded']> {
  const hash = digest(bytes);
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(bytes),
    promisify(gzip)(bytes, { level: 9 }),
  ]);
  const forms: [Encoding, Body][] = [
    ['br', { bytes: br, etag: `"${hash}-br"` }],
    ['gzip', { bytes: gz, etag: `"${hash}-gzip"` }],
  ];
  return new Map(forms.filter(([, form]) => form.bytes.length < bytes.length * WORTHWHILE));
}

function digest(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('base64url').slice(0, 16);
}

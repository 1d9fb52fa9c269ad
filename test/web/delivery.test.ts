import { readdirSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../helpers/service.ts';

/** Uses node:http because fetch decompresses by itself. */
let service: Service;

beforeAll(async () => {
  service = await startService(null, { MAX_WORKERS: '1' });
});
afterAll(() => service.stop());

interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(`${service.baseUrl}${path}`, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    sent.on('error', reject).end();
  });
}

/** Every address that the page, its manifest and its worker name. */
async function allPaths(): Promise<string[]> {
  const worker = (await get('/sw.js')).body.toString();
  const folder = /["'](web\/[\w-]{16})["']/.exec(worker)?.[1] ?? '';
  const files = /["']([^"']*main\.js[^"']*)["']/.exec(worker)?.[1]?.split(' ') ?? [];
  return ['/', '/sw.js', '/manifest.webmanifest', ...files.map((file) => `/${folder}/${file}`)];
}

describe('the files of the page', () => {
  it('are all there, with their types, and no sources', async () => {
    const paths = await allPaths();
    expect(paths.map((path) => path.split('/').at(-1)).sort()).toEqual(
      [
        ...['', 'manifest.webmanifest', 'sw.js', 'main.js', 'solver.js', 'style.css'],
        ...['icon.svg', 'icon-192.png', 'icon-512.png'],
        // English is in main.js.
        ...readdirSync('src/web/lang').map((file) => file.replace('.ts', '.js')),
      ]
        .filter((name) => name !== 'en.js')
        .sort(),
    );
    for (const path of paths) {
      const { status, headers } = await get(path);
      expect([path, status]).toEqual([path, 200]);
      expect(headers['content-type']).toMatch(/^(text\/(html|css|javascript)|image\/|application\/manifest)/);
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
    expect((await get(paths.at(-1)?.replace(/[^/]+$/, 'tsconfig.json') ?? '')).status).toBe(404);
  });

  it('are cached for ever where their address holds their version, else revalidated', async () => {
    for (const path of await allPaths()) {
      const { headers } = await get(path);
      const wanted = path.startsWith('/web/') ? 'public, max-age=31536000, immutable' : 'no-cache';
      expect([path, headers['cache-control']]).toEqual([path, wanted]);
    }
  });

  it.each([
    ['br', 'gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip;q=1.0, br;q=0', 'gzip'],
    ['nothing', '', undefined],
    ['nothing', 'br;q=0.0, deflate', undefined],
  ])('come with content-encoding %s for %j', async (_name, accept, encoding) => {
    const { headers, body } = await get('/', { 'accept-encoding': accept });
    expect(headers['content-encoding']).toBe(encoding);
    expect(headers.vary).toContain('Accept-Encoding');
    expect(headers['content-length']).toBe(String(body.length));
  });

  it('have a strong ETag for each encoding, which gets 304', async () => {
    const tags = new Set<unknown>();
    for (const accept of ['br', 'gzip', 'identity']) {
      const { headers } = await get('/', { 'accept-encoding': accept });
      expect(headers.etag).toMatch(/^"[\w-]+"$/);
      tags.add(headers.etag);
      const again = await get('/', { 'accept-encoding': accept, 'if-none-match': String(headers.etag) });
      expect([again.status, again.body.length, again.headers.etag]).toEqual([304, 0, headers.etag]);
    }
    expect(tags.size).toBe(3);
    expect((await get('/', { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it('answer HEAD with the length and without the body', async () => {
    const { body } = await get('/');
    const head = await get('/', {}, 'HEAD');
    expect([head.status, head.body.length, head.headers['content-length']]).toEqual([
      200,
      0,
      String(body.length),
    ]);
  });

  it('allow nothing from elsewhere, nothing inline, no frame and no referrer', async () => {
    const { headers, body } = await get('/?url=https%3A%2F%2Fexample.com');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(body.toString()).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|%ASSETS%|%FILES%/);
  });

  it('weigh less than 75 KB unpacked, with icons and the longest language, and less than 30 KB with brotli', async () => {
    const weigh = async (accept: string) => {
      const [languages, others]: [number[], number[]] = [[], []];
      for (const path of await allPaths()) {
        const { body } = await get(path, { 'accept-encoding': accept });
        (path.includes('/lang/') ? languages : others).push(body.length);
      }
      return others.reduce((sum, length) => sum + length, Math.max(...languages));
    };
    const [unpacked, packed] = [await weigh('identity'), await weigh('br')];
    process.stdout.write(`the page: ${unpacked} bytes unpacked, ${packed} with brotli\n`);
    expect(unpacked).toBeLessThan(75 * 1024);
    expect(packed).toBeLessThan(30 * 1024);
  });

  it('are indexed by search engines, but not with a post in the address', async () => {
    expect((await get('/')).headers['x-robots-tag']).toBeUndefined();
    expect((await get('/?url=x')).headers['x-robots-tag']).toBe('noindex');
  });

  it('name no address outside the service that a browser would load', async () => {
    for (const path of (await allPaths()).filter((one) => /\.(js|css|webmanifest)$|^\/$/.test(one))) {
      const text = (await get(path)).body.toString();
      expect([
        path,
        text.match(/(?:src|href)="https?:|url\((?!["']\$\{)|import\(["']https?:|@import/),
      ]).toEqual([path, null]);
    }
  });

  it('can be installed and are a share target', async () => {
    const { body } = await get('/manifest.webmanifest');
    const manifest = JSON.parse(body.toString()) as {
      icons: { src: string; sizes: string; purpose?: string }[];
      share_target: unknown;
    };
    expect(manifest.share_target).toEqual({
      action: './',
      method: 'GET',
      enctype: 'application/x-www-form-urlencoded',
      params: { title: 'title', text: 'text', url: 'url' },
    });
    expect(manifest.icons.map(({ sizes, purpose = 'any' }) => [sizes, purpose])).toEqual([
      ['any', 'any'],
      ['192x192', 'any'],
      ['512x512', 'maskable'],
    ]);
    for (const { src } of manifest.icons) expect((await get(`/${src}`)).status).toBe(200);
  });
});

describe('WEB_PAGE=false', () => {
  it('answers 404 at / and for all files of the page', async () => {
    const paths = await allPaths();
    const without = await startService(null, { MAX_WORKERS: '1', WEB_PAGE: 'false' });
    for (const path of [...paths, '/?url=x', '/index.html']) {
      const response = await fetch(`${without.baseUrl}${path}`);
      expect([path, response.status]).toEqual([path, 404]);
      expect(await response.json()).toMatchObject({ code: 'invalid_request', retryable: false });
    }
    await without.stop();
  });
});

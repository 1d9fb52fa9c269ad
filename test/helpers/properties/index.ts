import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { tagText } from '../../../src/audio/tags.ts';
import { loadConfig } from '../../../src/config.ts';
import { ServiceError } from '../../../src/errors.ts';
import { Connection, ConnectionLost } from '../../../src/extraction/connection.ts';
import { LineSplitter } from '../../../src/extraction/lines.ts';
import { PROTOCOL } from '../../../src/extraction/protocol.ts';
import { TokenSealer } from '../../../src/links/index.ts';
import { contentDisposition, encodedFileName, FileNames } from '../../../src/media/index.ts';
import { parseRange } from '../../../src/media/range.ts';
import { canonicalUrl, findPostLink, parsePostUrl } from '../../../src/posts/url.ts';
import { FLOODS } from './floods.ts';
import { ITEM_PROPERTIES } from './items.ts';
import { must, type Property, sync } from './property.ts';

const box = new TokenSealer('the key of the fuzzing, 0815');
const other = new TokenSealer('another key altogether, 4711');
const PURPOSES = ['stream', 'download', 'download-slideshow'] as const;
const HOUR = 3_600_000;

/** The code of a refusal; null where it opened. Anything but a refusal is thrown on. */
function refusal(open: () => unknown): string | null {
  try {
    open();
    return null;
  } catch (error) {
    if (error instanceof ServiceError) return error.code;
    throw error;
  }
}

const purpose = fc.constantFrom(...PURPOSES);
const content = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const anyText = fc.string({ unit: 'binary', maxLength: 200 });
const NAMES = ['{user}_{id}', '{title}', '{date} {index} - {title} ({user})'].map(
  (FILENAME_TEMPLATE) => new FileNames(loadConfig({ FILENAME_TEMPLATE }).files.nameTemplate),
);
const BASE64URL = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'];

/** One change to a token's spelling. */
const change = fc.oneof(
  fc.record({
    kind: fc.constant('replace' as const),
    at: fc.nat(),
    by: fc.constantFrom(...BASE64URL, '+', '/', '=', ' ', '%', '\n', '\0', 'é'),
  }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: fc.nat(),
    by: fc.constantFrom(...BASE64URL, '=', ' ', '\n', '.'),
  }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), by: fc.constant('') }),
  fc.record({ kind: fc.constant('drop' as const), at: fc.nat(), by: fc.constant('') }),
);

function changed(token: string, { kind, at, by }: { kind: string; at: number; by: string }): string {
  const place = at % token.length;
  if (kind === 'replace') return token.slice(0, place) + by + token.slice(place + 1);
  if (kind === 'insert') return token.slice(0, place) + by + token.slice(place);
  return kind === 'cut' ? token.slice(0, place) : token.slice(0, place) + token.slice(place + 1);
}

const HOSTS = [
  'tiktok.com',
  'www.tiktok.com',
  'm.tiktok.com',
  'vm.tiktok.com',
  'vt.tiktok.com',
  'www.tiktokv.com',
  'douyin.com',
  'v.douyin.com',
  'www.iesdouyin.com',
];
const hostile = fc.constantFrom(
  'evil.example',
  'tiktok.com.evil.example',
  'eviltiktok.com',
  'tiktok.com@evil.example',
  '127.0.0.1',
  '[::1]',
  'localhost',
  'tiktok.com:8443',
  'user:pw@tiktok.com',
  'tiktok.com%2eevil.example',
  'tiktok。com',
  'xn--tiktok-1ra.com',
);
const path = fc.oneof(
  fc.constantFrom(
    '/@a/video/7',
    '/@a/photo/7',
    '/video/7',
    '/v/7.html',
    '/embed/v2/7',
    '/t/ZSabc',
    '/ZSabc',
    '/share/video/7',
    '/note/7',
    '//',
    '/..',
    '/@a/../video/7',
    '/@a%2fvideo%2f7',
    '/@a/video/7/../8',
  ),
  anyText.map((text) => `/${text}`),
);
const link = fc
  .tuple(
    fc.constantFrom('https://', 'http://', 'HTTPS://', 'ftp://', 'file://', 'javascript:', '//', 'https:/\\'),
    fc.oneof(fc.constantFrom(...HOSTS), hostile),
    path,
    fc.constantFrom('', '?x=1', '#y', '?u=https://evil.example/'),
  )
  .map((parts) => parts.join(''));
const ASKED =
  /^https:\/\/(?:www\.tiktok\.com|www\.douyin\.com|vm\.tiktok\.com|vt\.tiktok\.com|v\.douyin\.com)\/[\w@./-]*$/;

export const PROPERTIES: readonly Property[] = [
  ...FLOODS,
  ...ITEM_PROPERTIES,
  sync(
    'token: any change of a token is refused',
    1,
    fc.property(
      purpose,
      content,
      fc.array(change, { minLength: 1, maxLength: 3 }),
      (route, bytes, changes) => {
        const token = box.seal(route, bytes, Date.now() + HOUR);
        const forged = changes.reduce((text, one) => (text === '' ? text : changed(text, one)), token);
        if (forged !== token)
          must(refusal(() => box.unseal(route, forged)) === 'link_invalid', `opened ${forged}`);
      },
    ),
  ),
  sync(
    'token: any flipped bit is refused',
    1,
    fc.property(content, fc.nat(), (bytes, at) => {
      const sealed = Buffer.from(box.seal('stream', bytes, Date.now() + HOUR), 'base64url');
      const place = at % (sealed.length * 8);
      sealed.writeUInt8(sealed.readUInt8(place >> 3) ^ (1 << (place & 7)), place >> 3);
      must(
        refusal(() => box.unseal('stream', sealed.toString('base64url'))) === 'link_invalid',
        `opened with bit ${place}`,
      );
    }),
  ),
  sync(
    'token: any text and any bytes are refused',
    1,
    fc.property(
      purpose,
      fc.oneof(
        anyText,
        content.map((bytes) => bytes.toString('base64url')),
      ),
      (route, text) => {
        must(refusal(() => box.unseal(route, text)) === 'link_invalid', `opened ${text}`);
      },
    ),
  ),
  sync(
    'token: of another route, of another key, or past its time is refused; else it opens to its content',
    1,
    fc.property(
      purpose,
      purpose,
      content,
      fc.integer({ min: -1e9, max: 1e9 }),
      (made, opened, bytes, awayMs) => {
        const at = Date.now() + awayMs + (awayMs < 0 ? -1000 : 1000 + HOUR);
        const token = box.seal(made, bytes, at);
        const expected = made !== opened ? 'link_invalid' : awayMs < 0 ? 'link_expired' : null;
        must(refusal(() => box.unseal(opened, token)) === expected, `${made} as ${opened}`);
        must(refusal(() => other.unseal(made, token)) === 'link_invalid', 'opened by another key');
        if (expected === null) must(box.unseal(opened, token).content.equals(bytes), 'other content');
      },
    ),
  ),
  sync(
    'URL: whatever is found leads to TikTok or Douyin and nowhere else',
    2,
    fc.property(
      fc.oneof(
        link,
        anyText,
        fc.tuple(anyText, link, anyText).map((parts) => parts.join(' ')),
      ),
      (text) => {
        let found: ReturnType<typeof findPostLink>;
        try {
          found = findPostLink(text);
        } catch (error) {
          must(error instanceof ServiceError && error.code === 'unsupported_url', String(error));
          return;
        }
        const asked = found.kind === 'short' ? found.url : canonicalUrl(found.ref);
        must(ASKED.test(asked), `${text} leads to ${asked}`);
        must(parsePostUrl(asked) !== null, `${asked} does not lead to itself`);
      },
    ),
  ),
  sync(
    'range: stays inside the file',
    2,
    fc.property(
      fc.oneof(
        anyText,
        fc.stringMatching(/^bytes=[-0-9, x]{0,14}$/),
        fc.tuple(fc.bigInt(), fc.bigInt()).map(([a, b]) => `bytes=${a}-${b}`),
      ),
      fc.oneof(fc.nat(1000), fc.maxSafeNat()),
      (text, size) => {
        const got = parseRange(text, size);
        if (got === null || got === 'unsatisfiable') return;
        must(
          Number.isSafeInteger(got.start) && got.start >= 0 && got.start <= got.end && got.end < size,
          `${text} of ${size}`,
        );
      },
    ),
  ),
  sync(
    'file name: safe on every file system and in every header',
    1,
    fc.property(
      fc.constantFrom(...NAMES),
      anyText,
      anyText,
      fc.oneof(anyText, fc.string({ unit: 'grapheme', maxLength: 400 })),
      fc.string({ maxLength: 12 }),
      fc.option(fc.nat(1000)),
      (names, user, id, title, extension, index) => {
        const parts = { user, id, title, createdAt: null, extension };
        const name = names.nameOf({ ...parts, ...(index !== null && { index }) });
        must(
          /^[^.\s<>:"/\\|?*-][^<>:"/\\|?*]*[^.\s<>:"/\\|?*]\.[a-z0-9]{1,8}$|^.\.[a-z0-9]{1,8}$/u.test(name),
          name,
        );
        must(!name.includes('..') && !/\p{Cc}|\p{Cs}|\p{Bidi_Control}/u.test(name), name);
        must(!/^(?:con|prn|aux|nul|com\d|lpt\d)[. ]/i.test(name), name);
        must(Buffer.byteLength(name) <= 255, `${name} is too long`);
        const headers = [
          contentDisposition(name, false),
          contentDisposition(name, true),
          encodedFileName(name),
        ];
        must(
          headers.every((header) => /^[\x20-\x7E]+$/.test(header)),
          headers.join(),
        );
      },
    ),
  ),
  sync(
    'tags: one bounded line without control or direction characters',
    1,
    fc.property(fc.oneof(anyText, fc.string({ unit: 'grapheme', maxLength: 400 })), (text) => {
      const line = tagText(text);
      must(!/[\p{Cc}\p{Cs}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u.test(line), JSON.stringify(line));
      must([...line].length <= 200 && line === line.trim(), JSON.stringify(line));
    }),
  ),
  sync(
    'host protocol: any bytes in any pieces become the same lines',
    1,
    fc.property(
      fc.uint8Array({ maxLength: 400 }),
      fc.array(fc.nat(400), { maxLength: 10 }),
      (given, cuts) => {
        const bytes = Buffer.from(given);
        const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
        const pieces = new LineSplitter();
        const torn = at.slice(1).flatMap((end, index) => [...pieces.push(bytes.subarray(at[index], end))]);
        const whole = [...new LineSplitter().push(bytes)];
        must(JSON.stringify(torn) === JSON.stringify(whole), 'other lines');
      },
    ),
  ),
  {
    name: 'host protocol: a child that says anything at all gives its own reply or a ConnectionLost, in time',
    share: 0.05,
    async check(numRuns, seed) {
      await withHost(async (socketPath, sayNext) => {
        const reply = fc.oneof(
          fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
          fc.json().map((text) => Buffer.from(`${text}\n`)),
          fc
            .record({ id: fc.oneof(fc.constant(1), fc.integer(), fc.string()), ok: fc.boolean() })
            .map((one) => Buffer.from(`${JSON.stringify(one)}\n`)),
        );
        await fc.assert(
          fc.asyncProperty(reply, fc.boolean(), async (bytes, inHello) => {
            sayNext(bytes, inHello);
            const job = {
              op: 'resolve',
              platform: 'tiktok',
              post: '',
              url: 'https://vm.tiktok.com/x/',
              timeout: 5,
              proxy: null,
            } as const;
            try {
              const connection = await Connection.open(socketPath);
              try {
                const { id } = await connection.request(job);
                must(id === 1, `the reply of job ${id}`);
              } finally {
                connection.close();
              }
            } catch (error) {
              must(error instanceof ConnectionLost, `not ConnectionLost but ${String(error)}`);
            }
          }),
          { numRuns, seed },
        );
      });
    },
  },
];

/** A host whose children say hello, then the bytes they were given, and leave; or those bytes instead of a hello. */
async function withHost(
  use: (socketPath: string, sayNext: (bytes: Buffer, inHello: boolean) => void) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  let bytes = Buffer.alloc(0);
  let inHello = false;
  const hello = `${JSON.stringify({ protocol: PROTOCOL, pid: 1, ytdlp: '', python: '', curlCffi: null, impersonation: true })}\n`;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    if (inHello) socket.end(bytes);
    else socket.write(hello);
    socket.once('data', () => socket.end(bytes));
  });
  const socketPath = join(folder, 's');
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  try {
    await use(socketPath, (next, instead) => {
      bytes = Buffer.from(next);
      inHello = instead;
    });
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  }
}

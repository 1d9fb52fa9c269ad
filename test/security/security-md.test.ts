import { readdirSync, readFileSync } from 'node:fs';
import { maxHeaderSize } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isMediaHost } from '../../src/cdn/hosts.ts';
import { loadConfig } from '../../src/config.ts';
import { MAX_PIXELS } from '../../src/ffmpeg/index.ts';
import { LIMITS } from '../../src/limits.ts';
import * as memory from '../../src/memory.ts';
import { MAX_LIST } from '../../src/posts/raw.ts';
import * as renders from '../../src/renders/index.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const DOCUMENT = read('SECURITY.md');

/** The cells of the table under a heading, without its head. */
function table(heading: string): string[][] {
  const section = DOCUMENT.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** A number of the source that no module exports, such as `const MAX = 4 * 1024;`. */
function constant(path: string, name: string): number {
  const value = new RegExp(`\\b${name}\\b\\s*[=:]\\s*([\\d_]+(?: \\* [\\d_]+)*)`).exec(read(path))?.[1];
  if (value === undefined) throw new Error(`${path} has no number ${name}`);
  return value.split('*').reduce((product, factor) => product * Number(factor.replaceAll('_', '')), 1);
}

const KB = 1024;
const MB = 1024 * KB;
const MINUTE = 60_000;

const { connection, client, process: whole, progress, botCheck } = LIMITS;
const defaults = loadConfig({ ENCRYPTION_KEY: 'only for the defaults of the rest' });
const maxZips = constant('src/archive/zips.ts', 'maxPerClient');

/** The numbers of each row, as they stand in its `limit` cell. */
const NUMBERS: Readonly<Record<string, readonly (number | null)[]>> = {
  'pipelined requests that wait: of it; of a client; in all': [
    connection.pipelined,
    client.pipelined,
    whole.pipelined,
  ],
  'head of a request': [maxHeaderSize / KB, connection.headMs / 1000],
  'whole request; its body': [connection.requestMs / 1000, connection.bodyBytes / KB],
  'client that takes no byte': [connection.writeStallMs / 1000, defaults.relay.stallTimeoutMs / 1000],
  'client that takes a file slowly': [connection.minBytesPerSecond / KB],
  connections: [1, 1 / client.connectionShare],
  'POST and GET `/tiktok`, each link of a batch, slideshows': [defaults.limits.perMinute],
  'POST and GET `/tiktok` with an API key, of all its senders': [defaults.limits.perMinute],
  'with `BOT_CHECK`: posts an hour for the least work; doublings of the work after that': [
    botCheck.freePosts,
    botCheck.maxLevel,
  ],
  'challenge; session of a solved one': [botCheck.challengeMs / MINUTE, botCheck.sessionMs / MINUTE],
  'links of a batch': [constant('src/http/schemas/batch.ts', 'MAX_LINKS')],
  'requests for files; a zip counts as its photos': [defaults.limits.downloadsPerMinute],
  'files at a time': [defaults.limits.downloadsAtOnce],
  'sounds; slideshows; zips; pictures at a time': [
    renders.FILES_PER_CLIENT,
    renders.FILES_PER_CLIENT,
    maxZips,
    renders.PICTURE_LIMITS.perClient.total,
    renders.PICTURE_LIMITS.perClient.running,
  ],
  'progress streams; without an event; in all': [
    client.progressStreams,
    progress.idleMs / MINUTE,
    progress.totalMs / MINUTE,
  ],
  'files of /docs at a time': [client.docs],
  'entries of a list: photos, files, captions': [MAX_LIST],
  'JSON of a post': [constant('src/extraction/host/child.py', 'MAX_REPLY') / 1000],
  'extraction, all sources together': [defaults.extraction.timeoutMs / 1000],
  'photo of a zip; photo or track of a slideshow': [
    constant('src/archive/zips.ts', 'MAX_PHOTO_BYTES') / MB,
    renders.MAX_SLIDESHOW_PART_BYTES / MB,
  ],
  'track or video that becomes a sound; an MP3': [
    renders.MAX_SOUND_SOURCE_BYTES / MB,
    renders.MAX_MP3_SECONDS / 3600,
  ],
  'photo that becomes a JPEG': [renders.MAX_PICTURE_BYTES / MB],
  'cover of a sound; captions': [
    renders.MAX_COVER_BYTES / MB,
    constant('src/subtitles/index.ts', 'MAX_BYTES') / MB,
  ],
  'pixels of a photo; of its side; length of a slideshow': [
    MAX_PIXELS / 1e6,
    constant('src/decoding/decode.ts', 'MAX_SIDE'),
    renders.MAX_SLIDESHOW_SECONDS / 60,
  ],
  'fetching and rendering; one conversion; of a picture; without progress': [
    renders.MAX_WORK_MS / MINUTE,
    renders.CONVERSION_LIMIT_MS / MINUTE,
    renders.PICTURE_LIMIT_MS / 1000,
    renders.RENDER_STALL_MS / 1000,
  ],
  'connections of the process': [whole.connections, whole.reservedFiles, whole.crowded * 100],
  'solved challenges remembered without Redis': [whole.usedChallenges],
  'posts extracted; waiting': [defaults.extraction.maxWorkers, defaults.extraction.maxQueue],
  'files at a time; progress streams; files of /docs': [whole.downloads, whole.progressStreams, whole.docs],
  'renders of a kind that are fetched; that wait; pictures that wait': [
    renders.FETCHES_PER_SLOT,
    renders.MAX_WAITING,
    renders.PICTURE_LIMITS.waiting,
  ],
  'pictures converted at a time': [renders.PICTURE_PROCESSES],
  'renders at a time': [
    memory.RENDER_MEMORY_BYTES / MB,
    memory.SERVICE_MEMORY_BYTES / MB,
    memory.WORKER_MEMORY_BYTES / MB,
  ],
  'photos of zips; sources of sounds on disk': [
    constant('src/archive/zips.ts', 'maxBytes') / MB,
    renders.MAX_SOURCES_BYTES / MB,
  ],
  'finished sounds; slideshows; pictures on disk': [
    renders.KEPT_SOUNDS.maxBytes / MB,
    renders.KEPT_SOUNDS.maxAgeMs / MINUTE,
    renders.KEPT_SLIDESHOWS.maxBytes / MB,
    renders.KEPT_SLIDESHOWS.maxAgeMs / MINUTE,
    renders.KEPT_PICTURES.maxBytes / MB,
    renders.KEPT_PICTURES.maxAgeMs / MINUTE,
  ],
  'sessions of a proxy: new ones; kept by a yt-dlp child': [
    constant('src/egress/egress.ts', 'SESSION_MS') / 1000,
    constant('src/extraction/host/fetcher.py', 'MAX_CLIENTS'),
  ],
  'memory of a yt-dlp child': [constant('src/extraction/host/host.py', 'MAX_CHILD_MEMORY') / MB],
};

/** Names of variables and digits inside them are no limits. */
const numbersIn = (cell: string) =>
  [...cell.replace(/`[^`]*`|MP3/g, '').matchAll(/\d+(?:\.\d+)?/g)].map(([digits]) => Number(digits));

describe('the limits in SECURITY.md', () => {
  it('are those of the code', () => {
    const rows = table('Limits').map(([, what = '', limit = '']) => [what, numbersIn(limit)]);
    expect(Object.fromEntries(rows)).toEqual(NUMBERS);
  });
});

/** Names in a sentence of the section that begins with `start`. */
function domainsAfter(start: string): string[] {
  const text = DOCUMENT.slice(DOCUMENT.indexOf(start)).split('\n- ')[0] ?? '';
  return [...text.slice(start.length).matchAll(/[a-z0-9-]+(?:\.[a-z0-9-]+)+/g)].map(([name]) => name);
}

/** What opens connections: clients of HTTP and Redis, sockets, and other programs that would. */
const OPENS =
  /^import (?!type)[^;]* from '(?:undici|node:https|node:http2|node:dgram)'|^import (?!type)[^;]*\bRedis\b[^;]*from 'ioredis'|[^\w#.]fetch\(`?|\b(?:connect|request|get)[^;]* from 'node:(?:net|http|tls)'/m;
const OPENS_IN_PYTHON =
  /\burlopen\(|\bcreate_connection\(|^(?:import|from) (?:http\.client|requests|urllib\.request)\b/m;

function opensConnections(path: string): boolean {
  if (path.endsWith('.py')) return OPENS_IN_PYTHON.test(read(path));
  return /\.m?ts$|\.mjs$/.test(path) && OPENS.test(read(path));
}

/** Files that match and do not leave the machine. */
const LOCAL: Readonly<Record<string, string>> = {
  'src/extraction/connection.ts': 'the Unix socket of the yt-dlp host',
  'src/temp/owner.ts': 'a Unix socket that names the owner of a folder',
  'src/extraction/host/transport.py': 'warms up against a local port where nothing listens',
  'src/slideshow/create-slideshow.ts': 'a parameter of that name',
  'src/slideshow/slideshows.ts': 'a parameter of that name',
};

describe('the outgoing requests in SECURITY.md', () => {
  const rows = table('Outgoing requests');

  it('name every file that opens connections', () => {
    const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .map((path) => `src/${path}`)
      .filter((path) => !path.startsWith('src/web/') && opensConnections(path))
      .sort();
    const named = rows.map(([, code = '']) => code.replaceAll('`', ''));
    expect(files).toEqual([...named, ...Object.keys(LOCAL)].sort());
  });

  it('name every domain of posts, and no other', () => {
    const sites = /^SITES = \(([^)]*)\)/m.exec(read('src/extraction/host/client.py'))?.[1] ?? '';
    const names = [...sites.matchAll(/'([^']+)'/g)].map(([, name]) => name);
    expect(domainsAfter('Site domains, with their subdomains:')).toEqual(names);
    expect(names.length).toBeGreaterThan(0);
  });

  it('name every domain of media, and no other', () => {
    const code = read('src/cdn/hosts.ts').split('export function')[0] ?? '';
    const names = [...code.matchAll(/^ {2}'([^']+)',/gm)].map(([, name]) => name);
    const documented = domainsAfter('Media domains, with their subdomains:');
    expect(documented).toEqual(names);
    for (const name of documented) {
      expect([name, isMediaHost(name)]).toEqual([name, true]);
      const isHost = name.endsWith('.akamaized.net');
      expect([name, isMediaHost(`sub.${name}`)]).toEqual([name, !isHost]);
    }
  });

  it('have the bounds of the code', () => {
    const python = 'src/extraction/host/client.py';
    const bounds = rows.map(([, , , , redirects = '', size = '', time = '']) =>
      [redirects, size, time].map(numbersIn),
    );
    const hops = constant('src/extraction/sources/short-link.ts', 'MAX_HOPS');
    expect(bounds).toEqual([
      [[constant(python, 'MAX_REDIRECTS'), hops], [constant(python, 'MAX_BODY') / MB], []],
      [
        [constant('src/cdn/request.ts', 'MAX_REDIRECTS')],
        [],
        [
          constant('src/cdn/dispatcher.ts', 'CONNECT_TIMEOUT_MS') / 1000,
          constant('src/cdn/media-client.ts', 'MAX_IDLE_MS') / 1000,
        ],
      ],
      [
        [constant('src/cache/redis-connection.ts', 'maxRedirections')],
        [],
        [constant('src/cache/redis-connection.ts', 'connectTimeout') / 1000],
      ],
      [
        [],
        [],
        ['REQUEST_LIMIT_MS', 'ANSWER_LIMIT_MS'].map((name) => constant('src/egress/gluetun.ts', name) / 1000),
      ],
    ]);
  });
});

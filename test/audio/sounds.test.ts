import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type SoundFormat, Sounds, type Tags } from '../../src/audio/index.ts';
import { MediaClient, type MediaSource } from '../../src/cdn/index.ts';
import { FairQueue } from '../../src/concurrency/index.ts';
import { ServiceError } from '../../src/errors.ts';
import type { MediaRequest, MediaResponse } from '../../src/media/index.ts';
import { TempStore } from '../../src/temp/index.ts';
import {
  type AssetPart,
  photoPost,
  SOUND_SECONDS,
  type Standin,
  type StandinPost,
  startStandin,
  VIDEO_SECONDS,
  videoPost,
} from '../helpers/standin/index.ts';
import { locate } from '../slideshow/media.ts';

const run = promisify(execFile);
const ffmpegPath = await locate('ffmpeg');
const ffprobePath = await locate('ffprobe');
const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };

let standin: Standin;
let media: MediaClient;
let dir: string;
let temp: TempStore;
let sounds: Sounds;

beforeAll(async () => {
  standin = await startStandin();
});
afterAll(() => standin.close());
beforeEach(async () => {
  media = new MediaClient({
    egresses: new Map([['direct', standin.proxyUrl]]),
    extraCa: [standin.caPem],
    stallTimeoutMs: 5000,
  });
  dir = await mkdtemp(join(tmpdir(), 'sounds-'));
  temp = new TempStore({ dir: join(dir, 'temp'), log });
  await temp.open();
  sounds = make(ffmpegPath);
  for (const spy of Object.values(log)) spy.mockClear();
});
afterEach(async () => {
  await sounds.close();
  await temp.close();
  await media.close();
  standin.faults.clear();
  await rm(dir, { recursive: true, force: true });
});

function make(path: string | null, slots = 2): Sounds {
  const renders = new FairQueue({ slots });
  return new Sounds({ media, temp, ffmpegPath: path, log, renders, limitClients: true });
}

function source(post: StandinPost, part: AssetPart = 'music', index = 0): MediaSource {
  const path = standin.addresses.path({ postId: post.id, part, index }, 3600, 'audio_mpeg');
  return {
    id: `tiktok/${post.id}/${part}/${index}`,
    urls: [`https://v16m.tiktokcdn.com${path}`],
    cookie: null,
    referer: 'https://www.tiktok.com/',
    egress: 'direct',
  };
}

interface OpenRequest extends Partial<MediaRequest> {
  client?: string;
  format?: SoundFormat;
  tags?: Partial<Tags>;
  signal?: AbortSignal;
  renew?: () => Promise<MediaSource>;
  fallbackSource?: MediaSource;
}

const NO_FALLBACK = async () => null;

function open(
  from: MediaSource,
  { client, format = 'mp3', tags, signal, renew, fallbackSource, ...request }: OpenRequest = {},
): Promise<MediaResponse> {
  return sounds.open(
    from,
    { method: 'GET', ...request },
    {
      format,
      client: client ?? 'somebody',
      signal: signal ?? new AbortController().signal,
      renew: renew ?? (async () => from),
      fallbackSource: async () =>
        fallbackSource ? { source: fallbackSource, renew: async () => fallbackSource } : null,
      tags: async () => ({ title: 'A title', artist: 'An artist', album: 'An album', cover: null, ...tags }),
    },
  );
}

async function bytesOf({ body }: MediaResponse): Promise<Buffer> {
  if (!body) throw new Error('no body');
  return buffer(body);
}

interface Probe {
  streams: {
    codec_name: string;
    width?: number;
    height?: number;
    disposition: { attached_pic: number };
    tags?: Record<string, string>;
  }[];
  format: { format_name: string; duration: string; tags?: Record<string, string> };
}

async function ffprobe(mp3: Buffer): Promise<Probe> {
  const path = join(dir, 'probed');
  await writeFile(path, mp3);
  const { stdout } = await run('ffprobe', [
    ...['-v', 'error', '-show_streams', '-show_format', '-of', 'json', path],
  ]);
  return JSON.parse(stdout) as Probe;
}

/** A checksum of each packet of the sound. */
async function packetsOf(file: Buffer): Promise<string[]> {
  const path = join(dir, 'packets');
  await writeFile(path, file);
  const { stdout } = await run('ffmpeg', [
    ...['-v', 'error', '-i', path, '-map', '0:a', '-c', 'copy', '-f', 'framemd5', '-'],
  ]);
  const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(lines.length).toBeGreaterThan(100);
  return lines.map((line) => line.split(',').at(-1)?.trim() ?? '');
}

/** The one picture in an MP3, and its type as ID3 tells it. */
async function coverOf(mp3: Buffer): Promise<Buffer> {
  const path = join(dir, 'with-cover.mp3');
  await writeFile(path, mp3);
  const { stdout } = await run(
    'ffmpeg',
    ['-v', 'error', '-i', path, '-c:v', 'copy', '-f', 'mjpeg', 'pipe:1'],
    {
      encoding: 'buffer',
      maxBuffer: 1 << 24,
    },
  );
  return stdout;
}

/** An ffmpeg that notes its pid, then does as told. */
async function fakeFfmpeg(body: string): Promise<string> {
  const path = join(dir, 'ffmpeg');
  await writeFile(path, `#!/bin/sh\necho $$ >> '${dir}/pids'\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

function startedPids(count: number): Promise<number[]> {
  return vi.waitFor(
    async () => {
      const found = (await readFile(join(dir, 'pids'), 'utf8')).trim().split('\n').map(Number);
      expect(found.length).toBe(count);
      return found;
    },
    { timeout: 20_000 },
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function jobFolders(): Promise<string[]> {
  const [runFolder = ''] = await readdir(join(dir, 'temp'));
  return (await readdir(join(dir, 'temp', runFolder), { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

it('passes an MP3 through as it is, with one request and without any work', async () => {
  const post = standin.posts.add(videoPost({ music: 'mp3' }));
  const before = standin.requests.length;
  const answer = await open(source(post));
  expect(answer).toMatchObject({ status: 200, mime: 'audio/mpeg', extension: 'mp3' });
  const truth = standin.media.bytes({ post, part: 'music' });
  expect((await bytesOf(answer)).equals(truth)).toBe(true);
  expect(standin.requests.length - before).toBe(1);
  expect(await jobFolders()).toEqual([]);

  const part = await open(source(post), { range: 'bytes=-100' });
  expect([part.status, part.headers['content-length']]).toEqual([206, '100']);
  expect((await bytesOf(part)).equals(truth.subarray(-100))).toBe(true);
  const head = await open(source(post), { method: 'HEAD' });
  expect([head.body, head.headers['content-length']]).toEqual([null, String(truth.length)]);
});

it('needs no ffmpeg for a track that is an MP3', async () => {
  sounds = make(null);
  const post = standin.posts.add(videoPost({ music: 'mp3' }));
  expect((await bytesOf(await open(source(post)))).length).toBe(
    standin.media.content({ post, part: 'music' }).size,
  );
});

it('answers render_failed and logs why where there is no ffmpeg', async () => {
  const post = standin.posts.add(videoPost({ music: 'm4a' }));
  sounds = make(null);
  await expect(open(source(post))).rejects.toMatchObject({ code: 'render_failed' });
  expect(log.error.mock.calls[0]?.[0]).toContain('no ffmpeg found');
  sounds = make(join(dir, 'missing'));
  await expect(open(source(post))).rejects.toMatchObject({ code: 'render_failed' });
  expect(log.error.mock.calls[1]?.[0].err).toMatchObject({
    message: expect.stringMatching(/ENOENT|No such file/),
  });
  expect(await jobFolders()).toEqual([]);
});

it('rejects a photo', async () => {
  const post = standin.posts.add(photoPost());
  await expect(open(source(post, 'photo'))).rejects.toMatchObject({ code: 'upstream_failed' });
});

describe.skipIf(!ffmpegPath || !ffprobePath)('with ffmpeg', () => {
  const tracks: [string, () => MediaSource, number][] = [
    ['an m4a', () => source(standin.posts.add(videoPost({ music: 'm4a' }))), SOUND_SECONDS],
    [
      'an m4a that is called mp4',
      () => source(standin.posts.add(videoPost({ music: 'mp4' }))),
      SOUND_SECONDS,
    ],
    ['a video', () => source(standin.posts.add(videoPost({ music: '' })), 'video'), VIDEO_SECONDS],
    ['an H.265 video', () => source(standin.posts.add(videoPost()), 'video', 3), VIDEO_SECONDS],
  ];
  it.each(tracks)('makes a real MP3 of %s', async (_name, track, seconds) => {
    const answer = await open(track());
    expect(answer).toMatchObject({ status: 200, mime: 'audio/mpeg', extension: 'mp3' });
    expect(answer.headers).toMatchObject({ 'content-type': 'audio/mpeg', 'accept-ranges': 'bytes' });
    const mp3 = await bytesOf(answer);
    expect(String(mp3.length)).toBe(answer.headers['content-length']);
    const { streams, format } = await ffprobe(mp3);
    expect(streams.map(({ codec_name }) => codec_name)).toEqual(['mp3']);
    expect(format.format_name).toBe('mp3');
    // A frame of MP3 is 26 ms; the encoder's lead adds one or two.
    expect(Math.abs(Number(format.duration) - seconds)).toBeLessThan(0.1);
    expect(format.tags).toEqual({ title: 'A title', artist: 'An artist', album: 'An album' });
    expect(mp3.subarray(0, 5).toString('latin1')).toBe('ID3\u0003\u0000');
  });

  const untouched: [string, () => MediaSource][] = [
    ['a track', () => source(standin.posts.add(videoPost({ music: 'm4a' })))],
    ['a video', () => source(standin.posts.add(videoPost()), 'video')],
    ['an H.265 video', () => source(standin.posts.add(videoPost()), 'video', 3)],
  ];
  it.each(untouched)('makes an M4A with the very sound of %s, tags and a cover', async (_name, track) => {
    const from = track();
    const cover = source(standin.posts.add(videoPost()), 'cover');
    const answer = await open(from, { format: 'm4a', tags: { cover } });
    expect(answer).toMatchObject({ status: 200, mime: 'audio/mp4', extension: 'm4a' });
    const m4a = await bytesOf(answer);
    expect(answer.headers['content-length']).toBe(String(m4a.length));
    const { streams, format } = await ffprobe(m4a);
    expect(streams.map(({ codec_name }) => codec_name)).toEqual(['aac', 'mjpeg']);
    expect(streams[1]?.disposition.attached_pic).toBe(1);
    expect(format.tags).toMatchObject({ title: 'A title', artist: 'An artist', album: 'An album' });
    // For players that fetch.
    expect(m4a.indexOf('moov')).toBeLessThan(m4a.indexOf('mdat'));
    const lying = await media.openMedia(from, { method: 'GET' }, { signal: new AbortController().signal });
    expect(await packetsOf(m4a)).toEqual(await packetsOf(await bytesOf(lying)));
  });

  it('passes a track that is an MP3 through where an M4A is asked for', async () => {
    const post = standin.posts.add(videoPost({ music: 'mp3' }));
    const answer = await open(source(post), { format: 'm4a' });
    expect(answer).toMatchObject({ status: 200, extension: 'mp3' });
    expect((await bytesOf(answer)).equals(standin.media.bytes({ post, part: 'music' }))).toBe(true);
  });

  it('makes no M4A of a video without sound', async () => {
    const silent = source(standin.posts.add(videoPost()), 'video', 4);
    await expect(open(silent, { format: 'm4a' })).rejects.toMatchObject({ code: 'render_failed' });
    expect(await jobFolders()).toEqual([]);
  });

  it('is made once for several clients, and needs no further request to the CDN', async () => {
    const post = standin.posts.add(videoPost({ music: 'm4a' }));
    const answers = await Promise.all([1, 2, 3].map(() => open(source(post))));
    const files = await Promise.all(answers.map(bytesOf));
    expect(files.every((file) => file.equals(files[0] as Buffer))).toBe(true);
    expect(sounds.status).toMatchObject({ inFlight: 0, files: 1 });
    const before = standin.requests.length;
    const again = await open(source(post));
    expect(again.headers.etag).toBe(answers[0]?.headers.etag);
    expect((await bytesOf(again)).equals(files[0] as Buffer)).toBe(true);
    expect(standin.requests.length).toBe(before);
  });

  it('has the same bytes when it is made again', async () => {
    const post = standin.posts.add(videoPost({ music: 'm4a' }));
    const tags = { cover: source(post, 'cover') };
    const first = await bytesOf(await open(source(post), { tags }));
    await sounds.close();
    sounds = make(ffmpegPath);
    expect((await bytesOf(await open(source(post), { tags }))).equals(first)).toBe(true);
  });

  it('has one ETag at all instances, and another where the bytes differ', async () => {
    const post = standin.posts.add(videoPost({ music: 'm4a' }));
    const etags: (string | undefined)[] = [];
    for (const tags of [{}, {}, { cover: source(post, 'cover') }]) {
      const made = await open(source(post), { tags });
      etags.push(made.headers.etag);
      made.body?.destroy();
      await sounds.close();
      sounds = make(ffmpegPath);
    }
    expect(etags[0]).toMatch(/^"[^"]+"$/);
    expect(etags[1]).toBe(etags[0]);
    expect(etags[2]).not.toBe(etags[0]);
  });

  it('is sent whole to a client that resumes by offset alone when it is made for that request', async () => {
    const from = source(standin.posts.add(videoPost({ music: 'm4a' })));
    const resumed = await open(from, { range: 'bytes=1000-' });
    const mp3 = await bytesOf(resumed);
    expect([resumed.status, mp3.length]).toEqual([200, resumed.size]);
    const later = await open(from, { range: 'bytes=1000-' });
    expect([later.status, await bytesOf(later)]).toEqual([206, mp3.subarray(1000)]);
  });

  it('is busy where TEMP_DIR has no room for the source, and fetches nothing', async () => {
    const from = source(standin.posts.add(videoPost({ music: 'm4a' })));
    vi.spyOn(temp, 'freeBytes').mockResolvedValue(1000);
    const before = standin.requests.length;
    await expect(open(from)).rejects.toMatchObject({ code: 'busy', retryAfter: 30 });
    // The one that shows the type and the size.
    expect(standin.requests.length - before).toBe(1);
    vi.restoreAllMocks();
    (await open(from)).body?.destroy();
  });

  it('answers HEAD, ranges and conditions of a made file', async () => {
    const from = source(standin.posts.add(videoPost({ music: 'm4a' })));
    const head = await open(from, { method: 'HEAD' });
    expect(head.body).toBeNull();
    const whole = await bytesOf(await open(from));
    expect(head.headers['content-length']).toBe(String(whole.length));
    const part = await open(from, { range: 'bytes=1000-1999' });
    expect([part.status, part.headers['content-range']]).toEqual([206, `bytes 1000-1999/${whole.length}`]);
    expect((await bytesOf(part)).equals(whole.subarray(1000, 2000))).toBe(true);
    const etag = head.headers.etag ?? '';
    expect(await open(from, { ifNoneMatch: etag })).toMatchObject({ status: 304, body: null });
    expect(await open(from, { range: 'bytes=9999999-' })).toMatchObject({ status: 416, body: null });
    const resumed = await open(from, { range: 'bytes=5-', ifRange: etag });
    expect((await bytesOf(resumed)).equals(whole.subarray(5))).toBe(true);
  });

  it('cleans untrusted tags', async () => {
    const post = standin.posts.add(videoPost({ music: 'm4a' }));
    const title = 'Two words\r\nTXXX=\u0000x \u202Egnp.\u202C \uD800 😀 نيك = "é" ';
    const tags = { title, artist: 'n'.repeat(5000), album: ' \u0007 ' };
    const { format } = await ffprobe(await bytesOf(await open(source(post), { tags })));
    expect(format.tags).toEqual({
      title: 'Two words TXXX= x gnp. 😀 نيك = "é"',
      artist: 'n'.repeat(200),
    });
  });

  it.each([
    ['a JPEG', () => source(standin.posts.add(videoPost()), 'cover'), [405, 720]],
    ['a WebP', () => source(standin.posts.add(photoPost({ photos: ['webp'] })), 'photo'), [540, 720]],
    ['a small one', () => source(standin.posts.add(photoPost({ photos: ['tiny'] })), 'photo'), [64, 48]],
    ['CMYK', () => source(standin.posts.add(photoPost({ photos: ['cmyk'] })), 'photo'), [480, 640]],
  ])('has its cover: %s', async (_name, cover, [width, height]) => {
    const post = standin.posts.add(videoPost({ music: 'm4a' }));
    const mp3 = await bytesOf(await open(source(post), { tags: { cover: cover() } }));
    const { streams, format } = await ffprobe(mp3);
    expect(streams.map(({ codec_name }) => codec_name)).toEqual(['mp3', 'mjpeg']);
    expect(streams[1]).toMatchObject({ width, height, disposition: { attached_pic: 1 } });
    expect(streams[1]?.tags).toEqual({ title: 'Cover', comment: 'Cover (front)' });
    expect(format.tags).toMatchObject({ title: 'A title' });
    expect((await coverOf(mp3)).subarray(0, 3).toString('hex')).toBe('ffd8ff');
  });

  it.each([
    ['cannot be had', () => ({ ...source(standin.posts.add(videoPost()), 'cover'), urls: [] })],
    ['is no picture', () => source(standin.posts.add(videoPost()), 'subtitle')],
    ['is a video', () => source(standin.posts.add(videoPost()), 'video')],
    ['is HEIC', () => source(standin.posts.add(photoPost({ photos: ['heic'] })), 'photo')],
  ])('goes without a cover that %s', async (_name, cover) => {
    const post = standin.posts.add(videoPost({ music: 'm4a' }));
    const mp3 = await bytesOf(await open(source(post), { tags: { cover: cover() } }));
    const { streams, format } = await ffprobe(mp3);
    expect(streams.map(({ codec_name }) => codec_name)).toEqual(['mp3']);
    expect(format.tags).toMatchObject({ title: 'A title' });
    expect(log.warn).toHaveBeenCalledOnce();
  });

  it('goes without tags that cannot be had', async () => {
    const post = standin.posts.add(videoPost({ music: 'm4a' }));
    const options = {
      format: 'mp3' as const,
      client: 'somebody',
      signal: new AbortController().signal,
      renew: async () => source(post),
      fallbackSource: NO_FALLBACK,
    };
    const tags = () => Promise.reject(new Error('no post'));
    const answer = await sounds.open(source(post), { method: 'GET' }, { ...options, tags });
    expect((await ffprobe(await bytesOf(answer))).format.tags).toBeUndefined();
  });

  it('heals: the link is dead, and the body of the new one is cut', async () => {
    const post = standin.posts.add(videoPost({ music: 'm4a' }));
    const dead = source(post);
    standin.expireNow(post);
    // The first answer tells what it is, the second is fetched; the first is refused before either.
    const cut = standin.faults.add(
      { post, part: 'music', ranged: false },
      { kind: 'cut', after: 30_000 },
      { skip: 2, times: 2 },
    );
    const answer = await open(dead, { renew: async () => source(post) });
    const { format } = await ffprobe(await bytesOf(answer));
    expect(cut.hits).toBe(2);
    expect(Math.abs(Number(format.duration) - SOUND_SECONDS)).toBeLessThan(0.1);
  });

  it('rejects a video without sound before any response', async () => {
    const silent = source(standin.posts.add(videoPost()), 'video', 4);
    await expect(open(silent)).rejects.toMatchObject({
      code: 'render_failed',
      message: 'No sound could be taken out of this post.',
    });
    expect(log.error).toHaveBeenCalledOnce();
    expect(sounds.status).toMatchObject({ inFlight: 0, files: 0 });
    expect(await jobFolders()).toEqual([]);
  });

  it('rejects at once where the CDN fails, and leaves no files', async () => {
    const post = standin.posts.add(videoPost({ music: 'm4a' }));
    standin.faults.add({ post, part: 'music' }, { kind: 'status', status: 404 }, { skip: 1 });
    const options = {
      format: 'mp3' as const,
      client: 'somebody',
      signal: new AbortController().signal,
      renew: async () => source(post),
      fallbackSource: NO_FALLBACK,
    };
    const tags = () => new Promise<Tags>(() => {});
    const answer = sounds.open(source(post), { method: 'GET' }, { ...options, tags });
    await expect(answer).rejects.toMatchObject({ code: 'upstream_failed' });
    expect(await jobFolders()).toEqual([]);
  }, 12_000);
});

describe('a track that is missing at the CDN', () => {
  const gone = () => {
    const post = standin.posts.add(videoPost({ music: 'mp3' }));
    const refusal = standin.faults.add({ post, part: 'music' }, { kind: 'status', status: 404 });
    return { post, refusal, track: source(post), fallbackSource: source(post, 'video') };
  };

  it('is replaced by the sound of the video, and not requested again', async () => {
    const { track, fallbackSource, refusal } = gone();
    const answer = await open(track, { fallbackSource });
    expect(answer).toMatchObject({ status: 200, mime: 'audio/mpeg', extension: 'mp3' });
    const mp3 = await bytesOf(answer);
    const { streams, format } = await ffprobe(mp3);
    expect(streams.map(({ codec_name }) => codec_name)).toEqual(['mp3']);
    expect(Math.abs(Number(format.duration) - VIDEO_SECONDS)).toBeLessThan(0.1);
    const asked = refusal.hits;
    expect(asked).toBeGreaterThan(0);
    expect(log.warn).toHaveBeenCalledOnce();
    const again = await open(track, { fallbackSource, range: 'bytes=0-99' });
    expect([again.status, await bytesOf(again)]).toEqual([206, mp3.subarray(0, 100)]);
    expect(refusal.hits).toBe(asked);
  });

  it('is resumed only with the ETag of the other file', async () => {
    const { track, fallbackSource } = gone();
    const blind = await open(track, { fallbackSource, range: 'bytes=100-' });
    const mp3 = await bytesOf(blind);
    expect([blind.status, mp3.length]).toEqual([200, blind.size]);
    const etag = String(blind.headers.etag);
    const knowing = await open(track, { fallbackSource, range: 'bytes=100-199', ifRange: etag });
    expect([knowing.status, await bytesOf(knowing)]).toEqual([206, mp3.subarray(100, 200)]);
    const mistaken = await open(track, { fallbackSource, range: 'bytes=100-199', ifRange: '"of the track"' });
    expect([mistaken.status, await bytesOf(mistaken)]).toEqual([200, mp3]);
  });

  it('fails with the error of the CDN where there is no video', async () => {
    const { track } = gone();
    await expect(open(track)).rejects.toMatchObject({ code: 'upstream_failed' });
  });

  it.each([
    ['its server is silent', { kind: 'hang' }],
    ['its server breaks off', { kind: 'reset' }],
  ] as const)('is not missing where %s', async (_, fault) => {
    const { post, track, fallbackSource, refusal } = gone();
    refusal.left = 0;
    const trouble = standin.faults.add({ post, part: 'music' }, fault);
    await expect(open(track, { fallbackSource, signal: AbortSignal.timeout(1500) })).rejects.toThrow();
    trouble.left = 0;
    expect(await bytesOf(await open(track, { fallbackSource }))).toEqual(
      standin.media.bytes({ post, part: 'music' }),
    );
    expect(log.warn).not.toHaveBeenCalled();
  });

  it('is not missing where the post cannot be extracted at the moment', async () => {
    const { post, track, fallbackSource, refusal } = gone();
    const renew = () => Promise.reject(new ServiceError('upstream_failed'));
    await expect(open(track, { fallbackSource, renew })).rejects.toMatchObject({ code: 'upstream_failed' });
    refusal.left = 0;
    expect(await bytesOf(await open(track, { fallbackSource }))).toEqual(
      standin.media.bytes({ post, part: 'music' }),
    );
  });
});

describe('with an ffmpeg that hangs', () => {
  it('is killed, and its folder removed, when the only client goes', async () => {
    sounds = make(await fakeFfmpeg("trap '' TERM INT; exec sleep 60"));
    const client = new AbortController();
    const post = standin.posts.add(videoPost({ music: 'm4a' }));
    const answer = expect(open(source(post), { signal: client.signal })).rejects.toThrow('gone');
    const [pid = 0] = await startedPids(1);
    expect(isAlive(pid)).toBe(true);
    client.abort(new Error('gone'));
    await answer;
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 10_000);
    await vi.waitFor(async () => expect(await jobFolders()).toEqual([]), 10_000);
    expect(log.error).not.toHaveBeenCalled();
  });

  /** The least that says of itself how long it is: the block that LAME writes, 16 bytes. */
  const INFO = { shell: 'Info\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\020', bytes: `Info${'\0'.repeat(11)}\x10` };

  it('continues for the other clients when the first one goes', async () => {
    const gate = join(dir, 'gate');
    sounds = make(
      await fakeFfmpeg(
        `while [ ! -e '${gate}' ]; do sleep 0.05; done\nfor out; do :; done\nprintf '${INFO.shell}' > "$out"`,
      ),
    );
    const client = new AbortController();
    const post = standin.posts.add(videoPost({ music: 'm4a' }));
    const leaver = expect(open(source(post), { signal: client.signal })).rejects.toThrow('gone');
    await startedPids(1);
    const stayer = open(source(post));
    client.abort(new Error('gone'));
    await leaver;
    await writeFile(gate, '');
    expect((await bytesOf(await stayer)).toString('latin1')).toBe(INFO.bytes);
    await startedPids(1);
  });

  it('converts as many at a time as there are slots, and is busy for the fifth file of one client', async () => {
    sounds = make(await fakeFfmpeg('exec sleep 60'), 1);
    const settled: unknown[] = [];
    const clients = Array.from({ length: 5 }, () => new AbortController());
    const asked = clients.map(({ signal }) => {
      const post = standin.posts.add(videoPost({ music: 'm4a' }));
      return open(source(post), { signal }).catch((error) => settled.push(error));
    });
    await vi.waitFor(() => expect(settled.length).toBe(1), { timeout: 20_000 });
    expect(settled[0]).toMatchObject({ code: 'busy' });
    const pids = await startedPids(1);
    for (const client of clients) client.abort(new Error('gone'));
    await Promise.all(asked);
    await vi.waitFor(() => expect(pids.some(isAlive)).toBe(false), 10_000);
    await vi.waitFor(async () => expect(await jobFolders()).toEqual([]), 10_000);
  });

  it('keeps no half file when ffmpeg fails late, as on a full disk', async () => {
    sounds = make(
      await fakeFfmpeg(
        'for out; do :; done\nprintf half > "$out"\necho "No space left on device" >&2; exit 1',
      ),
    );
    const post = standin.posts.add(videoPost({ music: 'm4a' }));
    await expect(open(source(post))).rejects.toMatchObject({ code: 'render_failed' });
    expect(log.error.mock.calls[0]?.[0].stderr).toContain('No space left');
    expect(await jobFolders()).toEqual([]);
  });
});

import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type ByteRange,
  fileEtag,
  type MediaMetadata,
  type MediaRequest,
  type RespondOptions,
  respond,
  respondWithFile,
  strongEtag,
} from '../../src/media/index.ts';

const bytes = Buffer.from('0123456789');
const TAG = '"tag"';
const DATE = 'Tue, 06 Jan 2026 08:00:00 GMT';
const EARLIER = 'Mon, 05 Jan 2026 08:00:00 GMT';
const LATER = 'Wed, 07 Jan 2026 08:00:00 GMT';
const metadata: MediaMetadata = {
  mime: 'video/mp4',
  extension: 'mp4',
  size: bytes.length,
  etag: TAG,
  lastModified: DATE,
};

async function answer(
  request: Partial<MediaRequest>,
  options?: RespondOptions,
  about: Partial<MediaMetadata> = {},
) {
  const { body, ...response } = await respond(
    { method: 'GET', ...request },
    { ...metadata, ...about },
    (range) => Readable.from([range ? bytes.subarray(range.start, range.end + 1) : bytes]),
    options,
  );
  return { ...response, text: body && (await buffer(body)).toString() };
}

describe('preconditions', () => {
  it.each<[string, Partial<MediaRequest>, number]>([
    ['If-Match with the tag', { ifMatch: TAG }, 200],
    ['If-Match with a list', { ifMatch: `"x", ${TAG}` }, 200],
    ['If-Match: *', { ifMatch: '*' }, 200],
    ['If-Match with another tag', { ifMatch: '"x"' }, 412],
    ['If-Match with the weak tag: it compares strongly', { ifMatch: `W/${TAG}` }, 412],
    ['If-Match with nonsense', { ifMatch: 'tag' }, 412],
    ['If-Match goes before If-None-Match', { ifMatch: '"x"', ifNoneMatch: TAG }, 412],
    ['If-Match goes before a range', { ifMatch: '"x"', range: 'bytes=0-1' }, 412],
    ['If-Match goes before an unsatisfiable range', { ifMatch: '"x"', range: 'bytes=99-' }, 412],
    ['If-Match with the tag and a range', { ifMatch: TAG, range: 'bytes=0-1' }, 206],
    ['If-Match on HEAD', { method: 'HEAD', ifMatch: '"x"' }, 412],
    ['If-Unmodified-Since the date', { ifUnmodifiedSince: DATE }, 200],
    ['If-Unmodified-Since an earlier date', { ifUnmodifiedSince: EARLIER }, 412],
    ['If-Unmodified-Since nonsense', { ifUnmodifiedSince: 'yesterday' }, 200],
    ['If-Match beats If-Unmodified-Since', { ifMatch: TAG, ifUnmodifiedSince: EARLIER }, 200],
    ['If-None-Match with the tag', { ifNoneMatch: TAG }, 304],
    ['If-None-Match with W/ put before the tag by a proxy', { ifNoneMatch: `W/${TAG}` }, 304],
    ['If-None-Match with a list of weak tags', { ifNoneMatch: `W/"x", W/${TAG}` }, 304],
    ['If-None-Match: *', { ifNoneMatch: '*' }, 304],
    ['If-None-Match with another tag', { ifNoneMatch: '"x"' }, 200],
    ['If-Modified-Since the date', { ifModifiedSince: DATE }, 304],
    ['If-Modified-Since an earlier date', { ifModifiedSince: EARLIER }, 200],
    ['If-None-Match beats If-Modified-Since', { ifNoneMatch: '"x"', ifModifiedSince: LATER }, 200],
    ['If-Range with the tag', { ifRange: TAG, range: 'bytes=0-1' }, 206],
    ['If-Range with the weak tag: it compares strongly', { ifRange: `W/${TAG}`, range: 'bytes=0-1' }, 200],
    ['If-Range with the date', { ifRange: DATE, range: 'bytes=0-1' }, 206],
    ['If-Range with another date', { ifRange: LATER, range: 'bytes=0-1' }, 200],
    ['an unsatisfiable range', { range: 'bytes=10-' }, 416],
  ])('%s', async (_name, request, status) => {
    const { text, headers, ...response } = await answer(request);
    expect(response.status).toBe(status);
    expect(headers).toMatchObject({ etag: TAG, 'last-modified': DATE, 'accept-ranges': 'bytes' });
    if (request.method === 'HEAD' || status > 206) expect(text).toBeNull();
    else expect(text).toBe(status === 206 ? '01' : '0123456789');
  });

  it('does not match any tag where the file has none', async () => {
    expect(await answer({ ifMatch: TAG }, {}, { etag: null })).toMatchObject({ status: 412 });
    expect(await answer({ ifNoneMatch: TAG }, {}, { etag: null })).toMatchObject({ status: 200 });
  });
});

describe('headers', () => {
  it('of a 412 promise no body', async () => {
    expect((await answer({ ifMatch: '"x"' })).headers).toEqual({
      'accept-ranges': 'bytes',
      'content-length': '0',
      etag: TAG,
      'last-modified': DATE,
    });
  });

  it('of a file without a known size have no length and no ranges', async () => {
    const response = await answer({ range: 'bytes=2-3' }, {}, { size: null, etag: null, lastModified: null });
    expect(response).toMatchObject({ status: 200, size: null, text: '0123456789' });
    expect(response.headers).toEqual({ 'accept-ranges': 'none', 'content-type': 'video/mp4' });
  });

  it('of a file without ranges say so, and a range is ignored', async () => {
    const response = await answer({ range: 'bytes=2-3' }, { ranges: false });
    expect(response).toMatchObject({ status: 200, text: '0123456789' });
    expect(response.headers).toMatchObject({ 'accept-ranges': 'none', 'content-length': '10' });
  });
});

describe('a file made for this request', () => {
  it.each<[string, Partial<MediaRequest>, number]>([
    ['a range from the middle', { range: 'bytes=5-' }, 200],
    ['a suffix', { range: 'bytes=-3' }, 200],
    ['a range beyond the end', { range: 'bytes=99-' }, 200],
    ['a range from the start', { range: 'bytes=0-3' }, 206],
    ['a range from the middle with If-Range', { range: 'bytes=5-', ifRange: TAG }, 206],
    ['a range from the middle with If-Match', { range: 'bytes=5-', ifMatch: TAG }, 206],
    ['a range from the middle with another If-Range', { range: 'bytes=5-', ifRange: '"x"' }, 200],
  ])('%s: %i', async (_name, request, status) => {
    expect((await answer(request, { freshlyMade: true })).status).toBe(status);
  });
});

describe('a file on the disk', () => {
  let folder: string;
  let path: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'media-'));
    path = join(folder, 'x');
    await writeFile(path, bytes);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const cached = async (mtimeMs: number) => ({
    size: bytes.length,
    lastModified: new Date(mtimeMs).toUTCString(),
    etag: await fileEtag(path),
    open: (range: ByteRange | null) => createReadStream(path, range ?? {}),
    release: vi.fn(),
  });
  const type = { mime: 'audio/mpeg', extension: 'mp3' };

  it('has the ETag of its bytes, whenever it was written', async () => {
    const first = await respondWithFile(await cached(1e12), type, { method: 'HEAD' });
    const second = await respondWithFile(await cached(2e12), type, { method: 'HEAD' });
    expect(first.headers.etag).toBe(strongEtag(bytes));
    expect(second.headers.etag).toBe(first.headers.etag);
  });

  it.each<[string, Partial<MediaRequest>]>([
    ['HEAD', { method: 'HEAD' }],
    ['a 304', { ifNoneMatch: '*' }],
    ['a 412', { ifMatch: '"x"' }],
    ['a 416', { range: 'bytes=99-' }],
  ])('is released at once after %s', async (_name, request) => {
    const file = await cached(1e12);
    await respondWithFile(file, type, { method: 'GET', ...request });
    expect(file.release).toHaveBeenCalledOnce();
  });

  it('is released when its body is closed', async () => {
    const file = await cached(1e12);
    const { body } = await respondWithFile(file, type, { method: 'GET', range: 'bytes=2-4' });
    expect(file.release).not.toHaveBeenCalled();
    expect((await buffer(body ?? Readable.from([]))).toString()).toBe('234');
    await vi.waitFor(() => expect(file.release).toHaveBeenCalledOnce(), 10_000);
  });
});

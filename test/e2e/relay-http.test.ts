import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CurlAnswer, curl } from '../helpers/curl.ts';
import { bytesOfLink, linkOf } from '../helpers/download.ts';
import { type Service, startService } from '../helpers/service.ts';
import {
  photoPost,
  type Standin,
  type StandinPost,
  startStandin,
  videoPost,
} from '../helpers/standin/index.ts';

/** RFC 9110 as a client sees it: every kind of request with curl, for a video and a photo. */

interface Subject {
  post: StandinPost;
  link: string;
  file: Buffer;
  etag: string;
  date: string;
}

let standin: Standin;
let service: Service;
const subjects = new Map<string, Subject>();

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, { MAX_WORKERS: '2' });
  for (const [name, make] of [
    ['video', videoPost],
    ['photo', photoPost],
  ] as const) {
    const post = standin.posts.add(make({ user: `conformance.${name}` }));
    const link = await linkOf(service, post);
    const { headers } = await curl(link);
    const { etag = '', 'last-modified': date = '' } = headers;
    subjects.set(name, { post, link, file: bytesOfLink(standin, post), etag, date });
  }
});

afterAll(async () => {
  await service.stop();
  await standin.close();
});

const LATER = 'Fri, 01 Jan 2100 00:00:00 GMT';
const EARLIER = 'Sat, 01 Jan 2000 00:00:00 GMT';
const OTHER = '"another"';

/** Options of curl, and the expected status and bytes. */
type Case = [
  name: string,
  options: (subject: Subject) => string[],
  status: number,
  from?: number,
  to?: number,
];

const header = (...lines: string[]) => lines.flatMap((line) => ['-H', line]);
const range = (value: string) => header(`Range: bytes=${value}`);
const ALL = Number.POSITIVE_INFINITY;

const CASES: Case[] = [
  ['GET', () => [], 200, 0, ALL],
  ['a range', () => range('1000-1999'), 206, 1000, 1999],
  ['the first byte', () => range('0-0'), 206, 0, 0],
  ['an open range', () => range('5000-'), 206, 5000, ALL],
  ['an open range from the start', () => range('0-'), 206, 0, ALL],
  ['the whole as a range', ({ file }) => range(`0-${file.length - 1}`), 206, 0, ALL],
  ['a range beyond the end', () => range('5000-99999999999'), 206, 5000, ALL],
  ['a suffix', () => range('-500'), 206, -500, ALL],
  ['the last byte', () => range('-1'), 206, -1, ALL],
  ['a suffix longer than the file', () => range('-99999999999'), 206, 0, ALL],
  ['a range in other case', () => header('Range: Bytes=10-19'), 206, 10, 19],
  ['a range behind the end', ({ file }) => range(`${file.length}-`), 416],
  ['an empty suffix', () => range('-0'), 416],
  ['malformed: backwards', () => range('9-5'), 200, 0, ALL],
  ['malformed: no numbers', () => range('a-b'), 200, 0, ALL],
  ['malformed: only a hyphen', () => range('-'), 200, 0, ALL],
  ['malformed: no equals sign', () => header('Range: bytes 0-10'), 200, 0, ALL],
  ['malformed: negative', () => range('--5'), 200, 0, ALL],
  ['another unit', () => header('Range: items=0-5'), 200, 0, ALL],
  ['several ranges', () => range('0-9,20-29'), 200, 0, ALL],
  ['If-Range, the ETag', ({ etag }) => [...range('10-19'), ...header(`If-Range: ${etag}`)], 206, 10, 19],
  ['If-Range, another ETag', () => [...range('10-19'), ...header(`If-Range: ${OTHER}`)], 200, 0, ALL],
  ['If-Range, weak', ({ etag }) => [...range('10-19'), ...header(`If-Range: W/${etag}`)], 200, 0, ALL],
  ['If-Range, the date', ({ date }) => [...range('10-19'), ...header(`If-Range: ${date}`)], 206, 10, 19],
  ['If-Range, another date', () => [...range('10-19'), ...header(`If-Range: ${LATER}`)], 200, 0, ALL],
  ['If-Range, nonsense', () => [...range('10-19'), ...header('If-Range: yes')], 200, 0, ALL],
  [
    'If-Range with a range behind the end',
    ({ etag }) => [...range('999999999-'), ...header(`If-Range: ${etag}`)],
    416,
  ],
  ['If-Range without a range', () => header(`If-Range: ${OTHER}`), 200, 0, ALL],
  ['If-Match, the ETag', ({ etag }) => [...range('10-19'), ...header(`If-Match: ${etag}`)], 206, 10, 19],
  ['If-Match, another ETag', () => [...range('10-19'), ...header(`If-Match: ${OTHER}`)], 412],
  ['If-Match, weak', ({ etag }) => header(`If-Match: W/${etag}`), 412],
  ['If-None-Match, the ETag', ({ etag }) => header(`If-None-Match: ${etag}`), 304],
  ['If-None-Match, weak', ({ etag }) => header(`If-None-Match: W/${etag}`), 304],
  ['If-None-Match, in a list', ({ etag }) => header(`If-None-Match: ${OTHER}, ${etag}`), 304],
  ['If-None-Match, any', () => header('If-None-Match: *'), 304],
  ['If-None-Match, another', () => header(`If-None-Match: ${OTHER}`), 200, 0, ALL],
  [
    'If-None-Match before the range',
    ({ etag }) => [...range('0-9'), ...header(`If-None-Match: ${etag}`)],
    304,
  ],
  [
    'If-None-Match, another, and a range',
    () => [...range('0-9'), ...header(`If-None-Match: ${OTHER}`)],
    206,
    0,
    9,
  ],
  ['If-Modified-Since, the date', ({ date }) => header(`If-Modified-Since: ${date}`), 304],
  ['If-Modified-Since, later', () => header(`If-Modified-Since: ${LATER}`), 304],
  ['If-Modified-Since, earlier', () => header(`If-Modified-Since: ${EARLIER}`), 200, 0, ALL],
  ['If-Modified-Since, nonsense', () => header('If-Modified-Since: yesterday'), 200, 0, ALL],
  [
    'If-None-Match rules over If-Modified-Since',
    () => header(`If-None-Match: ${OTHER}`, `If-Modified-Since: ${LATER}`),
    200,
    0,
    ALL,
  ],
];

/** Offset of `at` in the file; negative ones count from its end. */
function offset(at: number, size: number): number {
  return at < 0 ? Math.max(0, size + at) : Math.min(at, size - 1);
}

function checkHeaders({ status, headers }: CurlAnswer, { file, etag, date }: Subject, from = 0, to = ALL) {
  const [start, end] = [offset(from, file.length), offset(to, file.length)];
  expect(headers.etag).toBe(etag);
  expect(headers['last-modified']).toBe(date);
  expect(headers['accept-ranges']).toBe('bytes');
  // A proxy that compresses weakens the ETag, and no download resumes by a weak one.
  expect(headers['cache-control']).toContain('no-transform');
  expect(headers['transfer-encoding']).toBeUndefined();
  const expected = {
    200: { length: String(file.length), range: undefined },
    206: { length: String(end - start + 1), range: `bytes ${start}-${end}/${file.length}` },
    304: { length: undefined, range: undefined },
    412: { length: '0', range: undefined },
    416: { length: '0', range: `bytes */${file.length}` },
  }[status];
  expect({ length: headers['content-length'], range: headers['content-range'] }).toEqual(expected);
}

describe.each(['video', 'photo'])('a %s', (name) => {
  it('has an ETag and Last-Modified', () => {
    const { etag, date, post } = subjects.get(name) as Subject;
    expect(etag).toMatch(/^"[\w-]{20,}"$/);
    expect(Date.parse(date)).toBe(post.createTime * 1000);
  });

  it.for(CASES)('is answered as RFC 9110 says: %s', async ([, ask, status, from = 0, to = ALL]) => {
    const subject = subjects.get(name) as Subject;
    const answer = await curl(subject.link, ...ask(subject));
    expect(answer.status).toBe(status);
    checkHeaders(answer, subject, from, to);
    const { file } = subject;
    const expected =
      status < 300 ? file.subarray(offset(from, file.length), offset(to, file.length) + 1) : Buffer.alloc(0);
    expect(answer.body.equals(expected)).toBe(true);
  });

  it.for<[string, (subject: Subject) => string[], number]>([
    ['HEAD', () => [], 200],
    // RFC 9110 §14.2: Range is defined for GET alone.
    ['HEAD with a range', () => range('0-9'), 200],
    ['HEAD, If-None-Match', ({ etag }) => header(`If-None-Match: ${etag}`), 304],
    ['HEAD, If-Modified-Since', ({ date }) => header(`If-Modified-Since: ${date}`), 304],
  ])('answers %s as GET without the body, and fetches next to nothing', async ([, ask, status]) => {
    const subject = subjects.get(name) as Subject;
    const before = standin.requests.length;
    const answer = await curl(subject.link, '--head', ...ask(subject));
    expect([answer.status, answer.body.length]).toEqual([status, 0]);
    checkHeaders(answer, subject);
    const asked = standin.requests.slice(before).filter(({ kind }) => kind === 'cdn');
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.reduce((sum, { bytesSent }) => sum + bytesSent, 0)).toBeLessThanOrEqual(4096);
  });

  it('fetches one range from the CDN for a seek', async () => {
    const { link, post } = subjects.get(name) as Subject;
    const before = standin.requests.length;
    await curl(link, ...range('2000-2999'));
    const asked = standin.requests.slice(before).filter(({ postId }) => postId === post.id);
    expect(asked.map(({ headers, bytesSent }) => [headers.range, bytesSent])).toEqual([
      ['bytes=2000-2999', 1000],
    ]);
  });

  it('passes nothing of a client’s request on to the CDN but the range', async () => {
    const { link, post } = subjects.get(name) as Subject;
    const before = standin.requests.length;
    const secret = 'only-for-the-service';
    const own = [
      'Cookie',
      'Authorization',
      'Referer',
      'User-Agent',
      'X-Forwarded-For',
      'Accept-Language',
      'If-Range',
    ];
    await curl(link, ...own.flatMap((one) => header(`${one}: ${secret}`)), ...range(' 3000-3999'));
    const asked = standin.requests.slice(before).filter(({ postId }) => postId === post.id);
    expect(asked.length).toBeGreaterThan(0);
    expect(JSON.stringify(asked.map(({ headers }) => headers))).not.toContain(secret);
  });

  it('rejects other methods', async () => {
    const { link } = subjects.get(name) as Subject;
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const { status } = await curl(link, '-X', method);
      expect([404, 405]).toContain(status);
    }
  });
});

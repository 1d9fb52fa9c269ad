import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { download, indexOfBestH264, linkOf, outcomeOf, pagesOf, truthOf } from '../helpers/download.ts';
import { type Service, startService } from '../helpers/service.ts';
import { type Fault, type Standin, startStandin, videoPost } from '../helpers/standin/index.ts';

/** One fault of each class, as a client of the running service sees it; test/cdn/failover has the whole matrix. */

let standin: Standin;
let service: Service;

beforeAll(async () => {
  standin = await startStandin();
  // A silent link is left after a third of the timeout.
  service = await startService(standin, { MAX_WORKERS: '2', DOWNLOAD_TIMEOUT: '3' });
});

afterAll(async () => {
  await service.stop();
  await standin.close();
});

/** Extracts a new post, lets `prepare` spoil its video, and downloads it in one request. */
async function downloadWith(
  prepare: (match: { post: string; part: 'video' }) => void,
  range?: { from: number; to: number },
) {
  const post = standin.posts.add(videoPost());
  const link = await linkOf(service, post);
  prepare({ post: post.id, part: 'video' });
  const headers = range ? { range: `bytes=${range.from}-${range.to}` } : {};
  const got = await download(link, { headers });
  const outcome = outcomeOf(got, truthOf(standin, post, range));
  return { outcome, renewals: pagesOf(standin, post) - 1, post, got };
}

/** Byte of the body at which a fault strikes: after those that are examined before anything is promised. */
const MIDDLE = 300_000;

const EXPIRED: Fault = { kind: 'expired' };
const HANG: Fault = { kind: 'hang' };
const FOREIGN: Fault = { kind: 'redirect', location: 'https://169.254.169.254/latest/meta-data/' };

describe('before the first byte', () => {
  it.concurrent.for<[string, Fault]>([
    ['an expired link', EXPIRED],
    ['HTML with 200', { kind: 'html' }],
    ['a cut in the first bytes', { kind: 'cut', after: 1000 }],
    ['no response', HANG],
    ['a redirect to a foreign host', FOREIGN],
  ])('%s at one mirror: serves the other', async ([, fault]) => {
    const { outcome, renewals } = await downloadWith((match) => {
      standin.faults.once(match, fault);
    });
    expect([outcome, renewals]).toEqual(['whole file', 0]);
  });

  it.concurrent.for<[string, Fault]>([
    ['an expired link', EXPIRED],
    ['an empty body', { kind: 'empty' }],
    ['a reset', { kind: 'reset' }],
  ])('%s at both mirrors: extracts the post again and serves it', async ([, fault]) => {
    const { outcome, renewals } = await downloadWith((match) => {
      standin.faults.add(match, fault, { times: 2 });
    });
    expect([outcome, renewals]).toEqual(['whole file', 1]);
  });

  it.concurrent.for<[string, Fault, string[]]>([
    ['404', { kind: 'status', status: 404 }, ['502 upstream_failed']],
    // Silence uses up the whole time limit, and which limit ends first is a matter of milliseconds.
    ['no response', HANG, ['502 upstream_failed', '504 timeout']],
  ])('%s for good: answers an error after one extraction', async ([, fault, expected]) => {
    const { outcome, renewals } = await downloadWith((match) => {
      standin.faults.add(match, fault);
    });
    expect(expected).toContain(outcome);
    expect(renewals).toBe(1);
  });

  it.concurrent('follows a redirect to another CDN host', async () => {
    const { outcome, renewals, post } = await downloadWith((match) => {
      const registered = standin.posts.get(match.post);
      const index = registered ? indexOfBestH264(registered) : 0;
      const ref = { postId: match.post, part: match.part, index };
      const location = `https://v16m.tiktokcdn.com${standin.addresses.path(ref, 3600, 'video_mp4')}`;
      standin.faults.once({ ...match, host: /webapp/ }, { kind: 'redirect', location });
    });
    expect([outcome, renewals]).toEqual(['whole file', 0]);
    const hosts = standin.journal.find({ postId: post.id, kind: 'cdn' }).map(({ host }) => host);
    expect(hosts).toEqual(['v16-webapp-prime.tiktok.com', 'v16m.tiktokcdn.com']);
  });
});

describe('in the middle of the body', () => {
  const cut: Fault = { kind: 'cut', after: MIDDLE };

  it.concurrent.for<[string, number, Fault]>([
    ['cut ten times', 10, { kind: 'cut', after: 60_000 }],
    ['stalled once', 1, { kind: 'stall', after: MIDDLE }],
    ['slow, not stalled', 1, { kind: 'drip', bytes: 40_000, everyMs: 100 }],
    ['chunked', 1, { kind: 'chunked' }],
    ['of a wrong Content-Type', 1, { kind: 'type', type: 'application/octet-stream' }],
  ])('%s: sends every byte in one response', async ([, times, fault]) => {
    const { outcome, renewals, got } = await downloadWith((match) => {
      standin.faults.add(match, fault, { times });
    });
    expect([outcome, renewals, got.status]).toEqual(['whole file', 0, 200]);
  });

  it.concurrent.for<[string, Fault, number]>([
    ['expired at both mirrors', EXPIRED, 1],
    ['the range ignored', { kind: 'ignore-range' }, 0],
    ['a later range than requested', { kind: 'wrong-range', shift: 1 }, 0],
  ])('cut, then %s: sends every byte', async ([, fault, renewals]) => {
    const seen = await downloadWith((match) => {
      standin.faults.once(match, cut);
      standin.faults.add({ ...match, ranged: true }, fault, { times: renewals === 0 ? 1 : 2 });
    });
    expect([seen.outcome, seen.renewals]).toEqual(['whole file', renewals]);
  });

  it.concurrent.for<[string, Fault, Fault]>([
    ['cut, then refused for good', cut, { kind: 'status', status: 403 }],
    ['cut, then the file has changed', cut, { kind: 'changed' }],
    ['a Content-Length longer than the body', { kind: 'length', delta: 1000 }, { kind: 'length', delta: 0 }],
  ])('%s: breaks the connection', async ([, first, after]) => {
    const { outcome, got } = await downloadWith((match) => {
      standin.faults.once(match, first);
      standin.faults.add({ ...match, ranged: true }, after);
    });
    expect([outcome, got.status]).toEqual(['broken', 200]);
    expect(got.bytes).toBeLessThan(Number(got.headers.get('content-length')));
  });
});

describe('a range', () => {
  it.concurrent.for<[string, Fault]>([
    ['cut', { kind: 'cut', after: 200_000 }],
    ['ignored by the CDN', { kind: 'ignore-range' }],
    ['refused', { kind: 'status', status: 403 }],
  ])('%s once: sends exactly its bytes', async ([, fault]) => {
    const { outcome, got } = await downloadWith(
      (match) => {
        // The first request with a range only examines the start of the file.
        standin.faults.add({ ...match, ranged: true }, fault, { times: 1, skip: 1 });
      },
      { from: 100_000, to: 499_999 },
    );
    expect([outcome, got.status, got.bytes]).toEqual(['whole file', 206, 400_000]);
  });
});

// These make hosts unreachable for every post, so they run alone.
describe('a host that cannot be reached', () => {
  it('serves the other mirror', async () => {
    const { outcome, renewals } = await downloadWith(() => {
      standin.unreachable.add('v16-webapp-prime.tiktok.com');
    });
    standin.unreachable.clear();
    expect([outcome, renewals]).toEqual(['whole file', 0]);
  });

  it('and neither can the other: answers upstream_failed', async () => {
    const { outcome } = await downloadWith(() => {
      for (const host of ['v16', 'v19']) standin.unreachable.add(`${host}-webapp-prime.tiktok.com`);
    });
    standin.unreachable.clear();
    expect(outcome).toBe('502 upstream_failed');
  });
});

it('requests nothing from a foreign host in all of this', () => {
  expect(standin.requests.filter(({ url }) => url.includes('169.254'))).toEqual([]);
  expect(standin.journal.find({ refusal: 'host' })).toEqual([]);
});

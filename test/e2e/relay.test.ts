import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { download, indexOfBestH264, linkOf, outcomeOf, pagesOf, truthOf } from '../helpers/download.ts';
import { type Service, startService } from '../helpers/service.ts';
import { type Fault, type Standin, startStandin, videoPost } from '../helpers/standin/index.ts';

/** What the CDN does to a client of the running service; the table that is printed goes into the closing note. */

let standin: Standin;
let service: Service;
const table: [fault: string, where: string, outcome: string][] = [];

beforeAll(async () => {
  standin = await startStandin();
  // A link that is silent is left after a third of it.
  service = await startService(standin, { MAX_WORKERS: '2', DOWNLOAD_TIMEOUT: '4' });
});

afterEach(() => {
  standin.faults.clear();
  standin.unreachable.clear();
});

afterAll(async () => {
  await service.stop();
  await standin.close();
  const lines = table.map((row) => `| ${row.join(' | ')} |`);
  process.stdout.write(`\n| fault | where | what the client got |\n|---|---|---|\n${lines.join('\n')}\n`);
});

/** Asks for a fresh post, lets `prepare` spoil its file, and downloads it in one request. */
async function trial(
  fault: string,
  where: string,
  prepare: (match: { post: string; part: 'video' }) => void,
  range?: { from: number; to: number },
) {
  const post = standin.posts.add(videoPost());
  const link = await linkOf(service, post);
  prepare({ post: post.id, part: 'video' });
  const headers = range ? { range: `bytes=${range.from}-${range.to}` } : {};
  const got = await download(link, { headers });
  const outcome = outcomeOf(got, truthOf(standin, post, range));
  const renewals = pagesOf(standin, post) - 1;
  table.push([fault, where, `${outcome}${renewals > 0 ? ' after a new extraction' : ''}`]);
  return { outcome, renewals, post, got };
}

/** Byte of the body at which a fault strikes: behind the first bytes, which are looked at before anything is promised. */
const MIDDLE = 300_000;
const FOREIGN = 'https://169.254.169.254/latest/meta-data/';

const REFUSALS: [string, Fault][] = [
  ['expired link (403)', { kind: 'expired' }],
  ['401', { kind: 'status', status: 401 }],
  ['403', { kind: 'status', status: 403 }],
  ['404', { kind: 'status', status: 404 }],
  ['410', { kind: 'status', status: 410 }],
  ['429', { kind: 'status', status: 429 }],
  ['500', { kind: 'status', status: 500 }],
  ['503', { kind: 'status', status: 503 }],
  ['HTML with 200', { kind: 'html' }],
  ['empty body', { kind: 'empty' }],
  ['cut in the first bytes', { kind: 'cut', after: 1000 }],
  ['stall in the first bytes', { kind: 'stall', after: 1000 }],
  ['reset', { kind: 'reset' }],
  ['no answer', { kind: 'hang' }],
  ['redirect to a foreign host', { kind: 'redirect', location: FOREIGN }],
  ['redirect to plain nonsense', { kind: 'redirect', location: 'gopher://x' }],
];

describe('before the first byte', () => {
  it.for(REFUSALS)('%s by one mirror: the other serves', async ([name, fault]) => {
    const { outcome, renewals } = await trial(name, 'first mirror', (match) => {
      standin.faults.once(match, fault);
    });
    expect([outcome, renewals]).toEqual(['whole file', 0]);
  });

  it.for(REFUSALS)('%s by both mirrors: the post is extracted again', async ([name, fault]) => {
    const { outcome, renewals } = await trial(name, 'both mirrors', (match) => {
      standin.faults.add(match, fault, { times: 2 });
    });
    expect([outcome, renewals]).toEqual(['whole file', 1]);
  });

  it.for(REFUSALS)('%s for good: an error with a code, after one more extraction', async ([name, fault]) => {
    const { outcome, renewals } = await trial(name, 'everywhere, for good', (match) => {
      standin.faults.add(match, fault);
    });
    const silent = fault.kind === 'stall' || fault.kind === 'hang';
    // Silence uses up the whole patience, and who gives up first is a matter of milliseconds.
    expect(silent ? ['502 upstream_failed', '504 timeout'] : ['502 upstream_failed']).toContain(outcome);
    expect(renewals).toBe(1);
  });

  it('no request of these ever went to a foreign host', () => {
    expect(standin.requests.filter(({ url }) => url.includes('169.254') || url.includes('gopher'))).toEqual(
      [],
    );
    expect(standin.journal.find({ refusal: 'host' })).toEqual([]);
  });

  it('a redirect to another CDN host is followed', async () => {
    const { outcome, renewals, post } = await trial(
      'redirect to another CDN host',
      'first mirror',
      (match) => {
        const registered = standin.posts.get(match.post);
        const index = registered ? indexOfBestH264(registered) : 0;
        const ref = { postId: match.post, part: match.part, index };
        const path = standin.addresses.path(ref, 3600, 'video_mp4');
        const location = `https://v16m.tiktokcdn.com${path}`;
        standin.faults.once({ ...match, host: /webapp/ }, { kind: 'redirect', location });
      },
    );
    expect([outcome, renewals]).toEqual(['whole file', 0]);
    const hosts = standin.journal.find({ postId: post.id, kind: 'cdn' }).map(({ host }) => host);
    expect(hosts).toEqual(['v16-webapp-prime.tiktok.com', 'v16m.tiktokcdn.com']);
  });

  it('a host that cannot be reached, with the other alive', async () => {
    const { outcome, renewals } = await trial('v16 unreachable, v19 alive', 'first mirror', () => {
      standin.unreachable.add('v16-webapp-prime.tiktok.com');
    });
    expect([outcome, renewals]).toEqual(['whole file', 0]);
  });

  it('no host that can be reached', async () => {
    const { outcome } = await trial('all hosts unreachable', 'everywhere, for good', () => {
      for (const host of ['v16', 'v19']) standin.unreachable.add(`${host}-webapp-prime.tiktok.com`);
    });
    expect(outcome).toBe('502 upstream_failed');
  });
});

describe('in the middle of the body', () => {
  const cut: Fault = { kind: 'cut', after: MIDDLE };
  const stall: Fault = { kind: 'stall', after: MIDDLE };

  it.for<[string, number, Fault]>([
    ['cut once', 1, cut],
    ['cut twice', 2, { kind: 'cut', after: 200_000 }],
    ['cut ten times', 10, { kind: 'cut', after: 60_000 }],
    ['stalled once', 1, stall],
    ['stalled twice', 2, { kind: 'stall', after: 200_000 }],
    ['dripping (slow, not stalled)', 1, { kind: 'drip', bytes: 40_000, everyMs: 100 }],
    ['no Content-Length (chunked)', 1, { kind: 'chunked' }],
    ['wrong Content-Type', 1, { kind: 'type', type: 'application/octet-stream' }],
  ])('%s: every byte, in one request', async ([name, times, fault]) => {
    const { outcome, renewals, got } = await trial(name, 'body', (match) => {
      standin.faults.add(match, fault, { times });
    });
    expect([outcome, renewals, got.status]).toEqual(['whole file', 0, 200]);
  });

  // The two that send their first bytes have resumed, if only just.
  const refusals = REFUSALS.filter(([, { kind }]) => kind !== 'cut' && kind !== 'stall');

  it.for(refusals)('cut, then %s by both mirrors', async ([name, fault]) => {
    const { outcome, renewals } = await trial(`cut, then ${name}`, 'resume at both mirrors', (match) => {
      standin.faults.once(match, cut);
      standin.faults.add({ ...match, ranged: true }, fault, { times: 2 });
    });
    expect([outcome, renewals]).toEqual(['whole file', 1]);
  });

  it.for<[string, Fault]>([
    ['the range ignored', { kind: 'ignore-range' }],
    ['another range than asked', { kind: 'wrong-range', shift: -5000 }],
    ['a later range than asked', { kind: 'wrong-range', shift: 1 }],
  ])('cut, then %s', async ([name, fault]) => {
    const { outcome } = await trial(`cut, then ${name}`, 'resume, once', (match) => {
      standin.faults.once(match, cut);
      standin.faults.once({ ...match, ranged: true }, fault);
    });
    expect(outcome).toBe('whole file');
  });

  it.for<[string, Fault, Fault]>([
    ['cut, then refused for good', cut, { kind: 'status', status: 403 }],
    ['cut, then HTML for good', cut, { kind: 'html' }],
    ['cut, then another range for good', cut, { kind: 'wrong-range', shift: 1 }],
    ['cut, then the file has changed', cut, { kind: 'changed' }],
    // Its marks make version 10 one byte longer.
    ['cut, then the file has changed its size', cut, { kind: 'changed', version: 10 }],
    ['a Content-Length longer than the body', { kind: 'length', delta: 1000 }, { kind: 'length', delta: 0 }],
  ])('%s: the connection breaks, no neat end', async ([name, first, after]) => {
    const { outcome, got } = await trial(name, 'for good', (match) => {
      standin.faults.once(match, first);
      standin.faults.add({ ...match, ranged: true }, after);
    });
    expect([outcome, got.status]).toEqual(['broken', 200]);
    expect(got.bytes).toBeLessThan(Number(got.headers.get('content-length')));
  });
});

describe('a range', () => {
  it.for<[string, Fault]>([
    ['cut', { kind: 'cut', after: 200_000 }],
    ['stalled', { kind: 'stall', after: 200_000 }],
    ['ignored by the CDN', { kind: 'ignore-range' }],
    ['answered with another', { kind: 'wrong-range', shift: 7 }],
    ['refused', { kind: 'status', status: 403 }],
  ])('%s once: exactly its bytes', async ([name, fault]) => {
    const { outcome, got } = await trial(
      `range, ${name}`,
      'first mirror',
      (match) => {
        // The first request with a range only looks at what the file is.
        standin.faults.add({ ...match, ranged: true }, fault, { times: 1, skip: 1 });
      },
      { from: 100_000, to: 499_999 },
    );
    expect([outcome, got.status, got.bytes]).toEqual(['whole file', 206, 400_000]);
  });
});

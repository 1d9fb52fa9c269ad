import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOfLink, download, linkOf, outcomeOf, truthOf } from '../helpers/download.ts';
import { until } from '../helpers/processes.ts';
import { type Service, startService } from '../helpers/service.ts';
import { type Standin, type StandinPost, startStandin, videoPost } from '../helpers/standin/index.ts';

let standin: Standin;
let service: Service;

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, { MAX_WORKERS: '1', TRUST_PROXY: 'true', DOWNLOADS_AT_ONCE: '32' });
});

afterAll(async () => {
  await service.stop();
  await standin.close();
});

const from = (address: string) => ({ 'x-forwarded-for': address });

describe('downloads at a time', () => {
  /** Opens a download and reads nothing. */
  function open(link: string, headers: Record<string, string> = {}) {
    const request = get(link, { headers, agent: false });
    request.on('error', () => {});
    const answer = new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
    return { answer, leave: () => request.destroy() };
  }

  it('are limited to DOWNLOADS_AT_ONCE for one client; a slot is free again after the end of a download, or of its connection', async () => {
    const big = standin.posts.add(videoPost({ bigBytes: 40 * 1024 * 1024 }));
    const small: StandinPost = standin.posts.add(videoPost());
    const [bigLink, smallLink] = [await linkOf(service, big), await linkOf(service, small)];
    const truth = truthOf(standin, small);
    const mine = { headers: from('192.0.2.1') };
    const open32 = Array.from({ length: 32 }, () => open(bigLink, mine.headers));
    const statuses32 = await Promise.all(open32.map(async ({ answer }) => (await answer).statusCode));
    expect(new Set(statuses32)).toEqual(new Set([200]));

    const refused = await download(smallLink, mine);
    expect([refused.status, refused.code]).toEqual([503, 'busy']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(outcomeOf(await download(smallLink, { headers: from('192.0.2.2') }), truth)).toBe('whole file');
    expect((await service.post(small.url, mine.headers)).status).toBe(200);

    open32[0]?.leave();
    const served = async () => outcomeOf(await download(smallLink, mine), truth) === 'whole file';
    expect(await until(served, 5000)).toBe(true);
    // And the slot of that one too, which ended by itself.
    expect(await until(served, 5000)).toBe(true);
    for (const { leave } of open32) leave();
    const again = await Promise.all(
      Array.from({ length: 32 }, (_, index) =>
        download(`${smallLink}&inline=1`, { ...mine, method: index % 2 ? 'GET' : 'HEAD' }),
      ),
    );
    expect(again.filter(({ status }) => status !== 200)).toEqual([]);
    expect(bytesOfLink(standin, small).length).toBe(again[1]?.bytes);
  });
});

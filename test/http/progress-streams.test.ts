import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { buildTestApp, fakeExtractor, postOf, type TestApp } from '../helpers/app.ts';
import { until } from '../helpers/processes.ts';

let app: TestApp;
let url: string;
const open: IncomingMessage[] = [];

const PHOTO = { kind: 'photo', photos: [{ urls: ['https://p16-sign.tiktokcdn-us.com/1'] }] };

async function start(progress: Partial<typeof LIMITS.progress> = {}, all = LIMITS.process.progressStreams) {
  app = await buildTestApp(
    { TRUST_PROXY: 'true', RATE_LIMIT_MAX: '0' },
    {
      extractor: fakeExtractor(async (link) => postOf(link, PHOTO as never)),
      limits: {
        ...LIMITS,
        progress: { ...LIMITS.progress, ...progress },
        process: { ...LIMITS.process, progressStreams: all },
      },
    },
  );
  ({ url } = await app.listenAnywhere());
}

beforeEach(() => {
  open.length = 0;
});

afterEach(async () => {
  for (const response of open) response.destroy();
  await app.close();
});

async function link(post: number): Promise<string> {
  const { body } = await app.post(`https://www.tiktok.com/@user/photo/74000000000000042${post}`);
  const { search } = new URL(String(body.download_slideshow_link));
  return `${url}/download-slideshow/progress${search}`;
}

/** Opens a stream and reads nothing of it but its start. */
async function follow(target: string, client = '192.0.2.1'): Promise<IncomingMessage> {
  const call = get(target, { agent: false, headers: { 'x-forwarded-for': client } });
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  response.on('error', () => {});
  response.resume();
  open.push(response);
  return response;
}

describe('progress streams', () => {
  it('are limited for one client, and leave the slots of downloads alone', async () => {
    await start();
    const links = await Promise.all([10, 11, 12, 13, 14].map(link));
    const answers: (number | undefined)[] = [];
    for (const target of links) answers.push((await follow(target)).statusCode);
    expect(answers).toEqual([200, 200, 200, 200, 503]);
    expect((await follow(links[4] as string, '192.0.2.2')).statusCode).toBe(200);
  });

  it('are limited in all', async () => {
    await start({}, 3);
    const target = await link(10);
    const answers: (number | undefined)[] = [];
    for (let n = 0; n < 4; n += 1) answers.push((await follow(target, `192.0.2.${n}`)).statusCode);
    expect(answers).toEqual([200, 200, 200, 503]);
  });

  it('are one for each link and client: a second one ends the first', async () => {
    await start();
    const target = await link(10);
    const first = await follow(target);
    const ended = once(first, 'end');
    for (let n = 0; n < 6; n += 1) expect((await follow(target)).statusCode).toBe(200);
    await ended;
  });

  it('end when nothing is being made', async () => {
    await start({ idleMs: 100 });
    const response = await follow(await link(10));
    await once(response, 'end');
    expect(response.complete).toBe(true);
  });

  it('end after some time in any case, and free their slot', async () => {
    await start({ totalMs: 100 });
    await once(await follow(await link(10)), 'end');
    const ends = () => app.log.filter(({ path }) => path === '/download-slideshow/progress');
    expect(await until(() => ends().length === 1, 2000)).toBe(true);
    expect(ends()[0]).not.toHaveProperty('aborted');
  });
});

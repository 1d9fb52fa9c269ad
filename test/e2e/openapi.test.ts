import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DownloaderError, fetchPost, linksOf, type Video } from '../../docs/examples/client.ts';
import { documented, fetchAsDocumented, type Paths } from '../helpers/openapi.ts';
import { type Service, startService } from '../helpers/service.ts';
import { type Standin, scenario, startStandin } from '../helpers/standin/index.ts';

/** The document and the docs' client against the service with real files. */

let standin: Standin;
let service: Service;
let paths: Paths;

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, { MAX_WORKERS: '4', YTDLP_TIMEOUT: '4' });
  paths = ((await (await fetch(`${service.baseUrl}/openapi.json`)).json()) as { paths: Paths }).paths;
});

afterAll(async () => {
  await service.stop();
  await standin.close();
});

describe('the OpenAPI document', () => {
  it('describes every response for a file: whole, range, unchanged, beyond the end, HEAD', async () => {
    const call = (link: string, init: RequestInit = {}) => fetchAsDocumented(paths, new URL(link), init);
    const video = (await fetchPost(service.baseUrl, scenario('video').url)) as Video;
    const link = video.download_link.no_watermark ?? '';
    const whole = await call(link);
    expect(whole.status).toBe(200);
    const etag = whole.headers.get('etag') ?? '';
    expect((await call(link, { headers: { range: 'bytes=0-99' } })).status).toBe(206);
    expect((await call(link, { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect((await call(link, { headers: { range: 'bytes=999999999-' } })).status).toBe(416);
    expect((await call(link, { method: 'HEAD' })).status).toBe(200);
    expect((await call(video.download_link.mp3 ?? '')).status).toBe(200);
  });

  it('shows a video and a photo post as the service sends them, field by field', async () => {
    const { content } = documented(paths, 'POST', '/tiktok', 200);
    const shown = Object.values(content?.['application/json']?.examples ?? {}).map(({ value }) => value);
    const sent = await Promise.all(
      [scenario('video').url, scenario('photos, 3').url].map((url) => fetchPost(service.baseUrl, url)),
    );
    expect(shown.map(keysOf)).toEqual(sent.map(keysOf));
  });
});

describe('the client of the docs', () => {
  it('fetches posts, and throws a DownloaderError with the code where there is none', async () => {
    const video = await fetchPost(service.baseUrl, scenario('video').url);
    expect(linksOf(video)).toHaveLength(3);
    const photos = await fetchPost(service.baseUrl, `Look: ${scenario('photos, 3').url} !`);
    expect(linksOf(photos)).toHaveLength(4);
    const failed = fetchPost(service.baseUrl, scenario('unknown id').url);
    await expect(failed).rejects.toThrow(DownloaderError);
    await expect(failed).rejects.toMatchObject({ code: 'post_not_found', retryable: false });
  });
});

/** Names of an answer's own fields; what is listed in arrays may be none. */
function keysOf(answer: unknown): string[] {
  return Object.entries(answer as object)
    .flatMap(([key, value]) =>
      ['author', 'statistics'].includes(key) ? Object.keys(value).map((inner) => `${key}.${inner}`) : [key],
    )
    .sort();
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Links, TokenSealer } from '../../src/links/index.ts';
import type { Asset } from '../../src/posts/asset.ts';
import { download, linkOf, outcomeOf, truthOf } from '../helpers/download.ts';
import { KEY, type Service, startService } from '../helpers/service.ts';
import {
  photoPost,
  type Standin,
  type StandinPost,
  startStandin,
  videoPost,
} from '../helpers/standin/index.ts';

/** Tokens that must not open, links that must open on any instance, and the headers of files. */

let standin: Standin;
let service: Service;
let video: { post: StandinPost; link: string };

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, { MAX_WORKERS: '2' });
  const post = standin.posts.add(videoPost({ user: 'some.one' }));
  video = { post, link: await linkOf(service, post) };
});

afterAll(async () => {
  await service.stop();
  await standin.close();
});

const tokenOf = (link: string) => new URL(link).searchParams.get('data') ?? '';
const linkWith = (token: string) => `${service.baseUrl}/stream?data=${encodeURIComponent(token)}`;

/** A link to a file of the video, as the service makes it with this key. */
function sealed(key: string, expiresAtMs: number, asset: Asset, source: string | null = null): string {
  const links = new Links(new TokenSealer(key), service.baseUrl, 60_000);
  const ref = { platform: 'tiktok', id: video.post.id, user: 'some.one' } as const;
  const place = source === null ? null : { urls: [source], cookie: null, egress: 'direct' };
  return links.make('stream', { ref, asset, source: place }, expiresAtMs);
}

describe('a token', () => {
  it.for<[string, (token: string) => string]>([
    ['cut', (token) => token.slice(0, -1)],
    ['cut short', (token) => token.slice(0, 20)],
    ['longer', (token) => `${token}A`],
    ['with its last byte changed', (token) => `${token.slice(0, -2)}${token.endsWith('AA') ? 'BB' : 'AA'}`],
    ['with its expiry moved', (token) => withByte(token, 5, 0xff)],
    ['of another version', (token) => withByte(token, 0, 2)],
    ['with a byte of its content changed', (token) => withByte(token, 60, 0)],
    ['with padding', (token) => `${token}==`],
    ['with a space', (token) => `${token.slice(0, 30)} ${token.slice(30)}`],
    ['in plain base64', (token) => token.replaceAll('-', '+').replaceAll('_', '/').replace(/^A/, '+')],
    ['twice', (token) => token + token],
    ['that is a link', () => 'https://v16-webapp-prime.tiktok.com/video/1'],
    ['that is JSON', () => '{"url":"https://169.254.169.254/"}'],
  ])('%s: answers link_invalid', async ([, change]) => {
    const got = await download(linkWith(change(tokenOf(video.link))));
    expect([got.status, got.code]).toEqual([400, 'link_invalid']);
  });

  it('for another route: answers link_invalid', async () => {
    const { body } = await service.post(standin.posts.add(photoPost()).url);
    const { mp3, no_watermark, zip } = body.download_link ?? {};
    const slideshow = String(body.download_slideshow_link);
    const photo = [no_watermark].flat()[0] ?? '';
    const routes = ['stream', 'download', 'download-slideshow'] as const;
    for (const link of [video.link, photo, String(mp3), String(zip), slideshow]) {
      const made = new URL(link);
      const token = made.searchParams.get('data') ?? made.searchParams.get('url') ?? '';
      for (const route of routes.filter((one) => `/${one}` !== made.pathname)) {
        const parameter = route === 'download-slideshow' ? 'url' : 'data';
        const got = await download(`${service.baseUrl}/${route}?${parameter}=${token}`);
        expect([made.pathname, route, got.status, got.code]).toEqual([
          made.pathname,
          route,
          400,
          'link_invalid',
        ]);
      }
    }
  });

  it('that is missing or empty: answers invalid_request', async () => {
    for (const query of ['', '?data=', '?url=x']) {
      const got = await download(`${service.baseUrl}/stream${query}`);
      expect([got.status, got.code]).toEqual([400, 'invalid_request']);
    }
  });

  it('past its expiry: answers link_expired, or link_invalid where it is forged', async () => {
    const asset = { kind: 'video', rendition: 'any' } as const;
    const old = sealed(KEY, Date.now() - 1000, asset);
    const got = await download(old);
    expect([got.status, got.code]).toEqual([410, 'link_expired']);
    expect((await download(old, { method: 'HEAD' })).status).toBe(410);
    const strange = await download(sealed('another key altogether 0815', Date.now() - 1000, asset));
    expect([strange.status, strange.code]).toEqual([400, 'link_invalid']);
  });

  it('that expires in use: answers link_expired from then on', async () => {
    const { body } = await service.post(video.post.url);
    const [rendition] = (body.formats as { id: string }[]).map(({ id }) => id);
    const link = sealed(KEY, Date.now() + 2000, { kind: 'video', rendition: rendition ?? '' });
    expect((await download(link)).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 2100));
    expect((await download(link)).code).toBe('link_expired');
  });

  it('sealed with the right key: still leads to media hosts only', async () => {
    for (const address of [
      'https://169.254.169.254/latest/meta-data/',
      `${service.baseUrl}/health`,
      'https://www.tiktok.com.evil.example/video',
      'https://evil.example/?tiktok.com',
    ]) {
      const link = sealed(KEY, Date.now() + 60_000, { kind: 'video', rendition: 'none' }, address);
      expect((await download(link)).code).toBe('post_not_found');
    }
    expect(standin.journal.find({ refusal: 'host' })).toEqual([]);
  });
});

function withByte(token: string, at: number, value: number): string {
  const bytes = Buffer.from(token, 'base64url');
  bytes[at] = bytes[at] === value ? value ^ 1 : value;
  return bytes.toString('base64url');
}

describe('instances', () => {
  const elsewhere = (link: string, other: Service) => link.replace(service.baseUrl, other.baseUrl);

  it('serve each other’s links with the same key or the previous one, and no others', async () => {
    const env = { MAX_WORKERS: '1' };
    const others = await Promise.all([
      startService(standin, env),
      startService(standin, { ...env, ENCRYPTION_KEY: 'quite another key 0815' }),
      startService(standin, {
        ...env,
        ENCRYPTION_KEY: 'quite another key 0815',
        ENCRYPTION_KEY_PREVIOUS: KEY,
      }),
    ]);
    try {
      const { post, link } = video;
      const truth = truthOf(standin, post);
      const answers = await Promise.all(others.map((other) => download(elsewhere(link, other))));
      expect(answers.map((got) => outcomeOf(got, truth))).toEqual([
        'whole file',
        '400 link_invalid',
        'whole file',
      ]);
      // A download manager may resume at another instance.
      const etags = new Set([answers[0], answers[2]].map((got) => got?.headers.get('etag')));
      etags.add((await download(link, { method: 'HEAD' })).headers.get('etag'));
      expect(etags.size).toBe(1);
    } finally {
      await Promise.all(others.map((other) => other.stop()));
    }
  });
});

describe('headers', () => {
  const origin = { headers: { origin: 'https://frontend.example' } };

  it('of a video', async () => {
    const { headers } = await download(video.link, origin);
    const name = `some.one_${video.post.id}.mp4`;
    // RFC 6266 allows the name with and without quotation marks.
    expect(headers.get('content-disposition')?.replaceAll('"', '')).toBe(
      `attachment; filename=${name}; filename*=UTF-8''${name}`,
    );
    expect(headers.get('x-filename')).toBe(name);
    expect(headers.get('content-type')).toBe('video/mp4');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    const exposed = headers.get('access-control-expose-headers')?.toLowerCase().split(/, ?/);
    for (const one of ['content-disposition', 'x-filename', 'content-length', 'content-range']) {
      expect(exposed).toContain(one);
    }
    for (const one of ['accept-ranges', 'etag', 'retry-after']) expect(exposed).toContain(one);
    // Another site's <video> may play it.
    expect([null, 'cross-origin']).toContain(headers.get('cross-origin-resource-policy'));
  });

  it('inline=1 is for playing, and nothing else', async () => {
    const { headers } = await download(`${video.link}&inline=1`);
    expect(headers.get('content-disposition')).toMatch(/^inline; filename/);
    expect((await download(`${video.link}&inline=maybe`)).code).toBe('invalid_request');
  });

  it('of photos: type and ending are those of the bytes', async () => {
    const post = standin.posts.add(photoPost({ user: 'p', photos: ['portrait_1', 'webp', 'heic', 'cmyk'] }));
    const { body } = await service.post(post.url);
    const links = [body.download_link?.no_watermark].flat();
    const seen = await Promise.all(
      links.map(async (link, index) => {
        const got = await download(link ?? '');
        expect(outcomeOf(got, standin.media.sha256({ post, part: 'photo', index }))).toBe('whole file');
        return [got.headers.get('content-type'), got.headers.get('x-filename')];
      }),
    );
    expect(seen).toEqual([
      ['image/jpeg', `p_${post.id}_01.jpg`],
      ['image/webp', `p_${post.id}_02.webp`],
      ['image/heic', `p_${post.id}_03.heic`],
      ['image/jpeg', `p_${post.id}_04.jpg`],
    ]);
  });

  it('of an error are those of an error', async () => {
    const { headers, status } = await download(linkWith('nonsense'), origin);
    expect(status).toBe(400);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(headers.get('content-disposition')).toBeNull();
    expect(headers.get('access-control-allow-origin')).toBe('*');
  });

  it('a preflight for a range is answered', async () => {
    const response = await fetch(video.link, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://frontend.example',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'range',
      },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-headers')).toMatch(/range|\*/i);
  });
});

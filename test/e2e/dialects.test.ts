import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOfLink, download, truthOf } from '../helpers/download.ts';
import { type Service, startService } from '../helpers/service.ts';
import { type Standin, scenario, startStandin } from '../helpers/standin/index.ts';

/** Files that clients of cobalt and tikwm get. */

let standin: Standin;
let service: Service;

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, { DIALECTS: 'cobalt,tikwm', MAX_WORKERS: '2' });
});

afterAll(async () => {
  await service.stop();
  await standin.close();
});

const postOf = (url: string) => {
  const post = standin.posts.get(url.split('/').at(-1) ?? '');
  if (!post) throw new Error(`no post ${url}`);
  return post;
};
const VIDEO = scenario('video').url;
const PHOTOS = scenario('photos, 3').url;

interface CobaltAnswer {
  status: string;
  url: string;
  filename: string;
  picker: { url: string }[];
  audio: string;
  audioFilename: string;
  error: { code: string };
}

interface TikwmData extends Record<'play' | 'hdplay' | 'music' | 'cover', string> {
  size: number;
  hd_size: number;
  images: string[];
  author: { avatar: string };
}

const cobalt = async (body: object) => {
  const response = await fetch(service.baseUrl, {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as CobaltAnswer;
};
const tikwm = async (url: string, options: Record<string, string> = {}) => {
  const response = await fetch(`${service.baseUrl}/api/`, {
    method: 'POST',
    body: new URLSearchParams({ url, ...options }),
  });
  return (await response.json()) as { code: number; msg: string; data: TikwmData };
};
const nameOf = (headers: Headers) => headers.get('x-filename');

describe('cobalt', () => {
  it('leads to a whole video by the name that it tells', async () => {
    const { url, filename } = await cobalt({ url: VIDEO });
    const got = await download(url);
    expect([got.status, got.sha256, nameOf(got.headers)]).toEqual([
      200,
      truthOf(standin, postOf(VIDEO)),
      filename,
    ]);
  });

  it('leads to whole photos and their sound', async () => {
    const { status, picker, audio, audioFilename } = await cobalt({ url: PHOTOS });
    expect([status, picker.length]).toEqual(['picker', 3]);
    const got = await download(picker[0]?.url ?? '');
    expect(got.sha256).toBe(truthOf(standin, postOf(PHOTOS)));
    const sound = await download(audio);
    expect([sound.status, sound.whole, nameOf(sound.headers)]).toEqual([200, true, audioFilename]);
    expect(sound.headers.get('content-type')).toBe('audio/mpeg');
  });

  it('answers in its words where there is no post', async () => {
    const { status, error } = await cobalt({ url: scenario('unknown id').url });
    expect([status, error.code]).toEqual(['error', 'error.api.content.post.unavailable']);
  });
});

describe('tikwm', () => {
  it('leads to a whole video of the size that it tells, with and without its address', async () => {
    const { code, data } = await tikwm(VIDEO, { web: '1' });
    expect(code).toBe(0);
    const got = await download(service.baseUrl + data.play);
    const whole = bytesOfLink(standin, postOf(VIDEO));
    expect(got.sha256).toBe(createHash('sha256').update(whole).digest('hex'));
    expect(data.size).toBe(whole.length);
    const { data: hd } = await tikwm(VIDEO, { hd: '1' });
    expect((await download(hd.hdplay)).bytes).toBe(hd.hd_size);
  });

  it('leads to whole photos, sound, cover and avatar', async () => {
    const { data } = await tikwm(PHOTOS);
    expect((await download(data.images[0] ?? '')).sha256).toBe(truthOf(standin, postOf(PHOTOS)));
    for (const url of [data.music, data.cover, data.author.avatar]) {
      const { status, whole, bytes } = await download(url);
      expect([status, whole, bytes > 0]).toEqual([200, true, true]);
    }
  });

  it('answers in its words where there is no post', async () => {
    const { code, msg } = await tikwm(scenario('unknown id').url);
    expect([code, msg]).toEqual([-1, expect.stringContaining('Url parsing is failed!')]);
  });
});

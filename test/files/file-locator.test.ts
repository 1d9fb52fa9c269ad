import { describe, expect, it, vi } from 'vitest';
import { FileLocator, type PostFinder } from '../../src/files/file-locator.ts';
import { Links, TokenSealer } from '../../src/links/index.ts';
import type { Asset } from '../../src/posts/asset.ts';
import type { Post } from '../../src/posts/post.ts';

const options = { client: 'c', signal: new AbortController().signal };

function post(host: string): Post {
  const url = (path: string) => `https://${host}/${path}`;
  return {
    ref: { platform: 'tiktok', id: '7123456789012345600', user: 'some.user' },
    kind: 'video',
    url: 'https://www.tiktok.com/@some.user/video/7123456789012345600',
    title: '',
    description: '',
    createdAt: null,
    cover: url('cover'),
    durationMs: 0,
    author: {
      nickname: '',
      uniqueId: 'some.user',
      signature: '',
      avatarThumb: '',
      avatarMedium: url('avatar'),
      avatarLarger: '',
    },
    statistics: { play: 0, digg: 0, comment: 0, share: 0, collect: 0 },
    renditions: [
      {
        id: 'h264_540p_1',
        codec: 'h264',
        width: 576,
        height: 1024,
        bitrate: null,
        size: null,
        hasAudio: true,
        watermark: false,
        playable: true,
        urls: [url('video'), url('mirror')],
      },
    ],
    photos: [{ width: null, height: null, live: null, urls: [url('photo')] }],
    subtitles: [{ language: 'eng-US', source: 'ASR', urls: [url('subtitle')] }],
    sound: { title: '', author: '', album: '', durationMs: 0, cover: null, urls: [url('sound')] },
    cookie: null,
    egress: 'e1',
    source: 'page',
    partial: [],
    mediaExpiresAt: null,
  };
}

function locator(...answers: { post: Post; cached: boolean }[]) {
  const next = async () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (!answer) throw new Error('no post');
    return answer;
  };
  const posts = { find: vi.fn<PostFinder['find']>(next), renew: vi.fn<PostFinder['renew']>(next) };
  return { files: new FileLocator(posts), posts };
}

const ASSETS: [string, Asset, string[]][] = [
  ['a video', { kind: 'video', rendition: 'h264_540p_1' }, ['video', 'mirror']],
  ['a photo', { kind: 'photo', index: 0 }, ['photo']],
  ['a sound', { kind: 'sound', of: 'track', format: 'mp3' }, ['sound']],
  ['a subtitle', { kind: 'subtitle', language: 'eng-US', source: 'ASR' }, ['subtitle']],
  ['a cover', { kind: 'cover' }, ['cover']],
  ['an avatar', { kind: 'avatar' }, ['avatar']],
];

describe('a short link', () => {
  const links = new Links(new TokenSealer('a key of these tests'), 'https://x.example', 1000);

  it.each(ASSETS)('to %s gets its source from the post', async (_name, asset, paths) => {
    const found = post('old.tiktokcdn.com');
    const { files, posts } = locator({ post: found, cached: true });
    const source = { urls: ['https://dead.example/'], cookie: null, egress: 'x' };
    const link = links.make('stream', { ref: found.ref, asset, source }, Date.now() + 60_000, {
      short: true,
    });
    const target = links.openLink('stream', new URL(link).searchParams.get('data') ?? '');
    expect(await files.source(target, options)).toMatchObject({
      id: expect.stringMatching(/^tiktok:7123456789012345600\/\w+/),
      urls: paths.map((path) => `https://old.tiktokcdn.com/${path}`),
      egress: 'e1',
      referer: 'https://www.tiktok.com/',
    });
    expect(posts.find).toHaveBeenCalledWith({ kind: 'post', ref: found.ref }, options);
  });

  it.each<[string, Asset]>([
    ['a rendition', { kind: 'video', rendition: 'h264_720p_1' }],
    ['a photo', { kind: 'photo', index: 7 }],
    ['a subtitle', { kind: 'subtitle', language: 'deu-DE', source: 'ASR' }],
  ])('to %s that the post does not have is post_not_found', async (_name, asset) => {
    const { files } = locator({ post: post('old.tiktokcdn.com'), cached: false });
    const target = { ref: { platform: 'tiktok', id: '1' } as const, asset, source: null };
    await expect(files.source(target, options)).rejects.toMatchObject({ code: 'post_not_found' });
  });
});

describe('a link with a source', () => {
  it.each(ASSETS)('to %s needs no post', async (_name, asset) => {
    const { files, posts } = locator();
    const source = { urls: ['https://v16.tiktokcdn.com/x'], cookie: 'a=b', egress: 'e2' };
    const target = { ref: { platform: 'douyin', id: '1' } as const, asset, source };
    expect(await files.source(target, options)).toMatchObject({
      ...source,
      referer: 'https://www.douyin.com/',
    });
    expect(posts.find).not.toHaveBeenCalled();
  });
});

describe('renewal', () => {
  const asset: Asset = { kind: 'video', rendition: 'h264_540p_1' };
  const dead = ['https://old.tiktokcdn.com/video'];

  it('returns the new source, and whether it comes from a cache', async () => {
    const { files } = locator({ post: post('new.tiktokcdn.com'), cached: true });
    const { ref } = post('x');
    expect(await files.renew(ref, asset, dead, options)()).toMatchObject({
      urls: ['https://new.tiktokcdn.com/video', 'https://new.tiktokcdn.com/mirror'],
      cached: true,
    });
  });

  it('calls a post with a dead address stale, and later one with the addresses that it returned', async () => {
    const { files, posts } = locator({ post: post('new.tiktokcdn.com'), cached: false });
    const renew = files.renew(post('x').ref, asset, dead, options);
    await renew();
    const isStale = posts.renew.mock.calls[0]?.[1] ?? (() => false);
    expect(isStale(post('old.tiktokcdn.com'))).toBe(true);
    expect(isStale(post('other.tiktokcdn.com'))).toBe(false);
    await renew();
    const isStaleNow = posts.renew.mock.calls[1]?.[1] ?? (() => false);
    expect(isStaleNow(post('new.tiktokcdn.com'))).toBe(true);
  });

  it('calls a post without the file stale', async () => {
    const { files, posts } = locator({ post: post('new.tiktokcdn.com'), cached: false });
    await files.renew(post('x').ref, asset, dead, options)();
    expect(posts.renew.mock.calls[0]?.[1]({ ...post('y'), renditions: [] })).toBe(true);
  });
});

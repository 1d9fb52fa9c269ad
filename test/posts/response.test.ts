import { describe, expect, it } from 'vitest';
import { type LinkRoute, Links, TokenSealer } from '../../src/links/index.ts';
import type { Post } from '../../src/posts/post.ts';
import { toPostResponse } from '../../src/posts/response.ts';
import { samplePhotoPost, samplePost, sampleRendition } from './sample.ts';

const links = new Links(
  new TokenSealer('the key of these tests, 4711'),
  'https://media.example.com',
  3_600_000,
);
function answer(post: Post) {
  const expiresAt = links.expiryFromNow();
  const linkTo = links.linksTo(post, expiresAt);
  return toPostResponse(post, { linkTo, expiresAt, preferCodec: 'best', cached: false });
}

/** The response as a client receives it. */
const sent = (post: Post) =>
  JSON.parse(JSON.stringify(answer(post))) as Record<string, Record<string, unknown>>;

function opened(link: unknown) {
  const url = new URL(String(link));
  const token = url.searchParams.get('data') ?? url.searchParams.get('url') ?? '';
  return links.openLink(url.pathname.slice(1) as LinkRoute, token);
}

describe('the response for a video', () => {
  const post = samplePost({
    renditions: [
      sampleRendition({ id: 'hd', codec: 'h265', width: 1080, height: 1920 }),
      sampleRendition({ id: 'sd' }),
    ],
    subtitles: [{ language: 'eng-US', source: 'ASR', urls: ['https://v16.example.com/s'] }],
  });

  it('says what the post is', () => {
    expect(answer(post)).toMatchObject({
      status: 'tunnel',
      id: post.ref.id,
      url: post.url,
      title: 'A cat',
      created_at: '2025-11-22T08:00:00Z',
      duration: 12_000,
      artist: 'Cat',
      audio: 'https://v16.example.com/audio/1',
      music_duration: 17_000,
      statistics: { play_count: 5, digg_count: 4, comment_count: 3, share_count: 2, collect_count: 1 },
      cached: false,
    });
  });

  it("has the author's own avatars", () => {
    expect(answer(post).author).toMatchObject({
      avatar: 'https://p16.example.com/l.jpeg',
      avatarThumb: 'https://p16.example.com/s.jpeg',
    });
  });

  it.each([
    ['no_watermark_hd', { kind: 'video', rendition: 'hd' }],
    ['no_watermark', { kind: 'video', rendition: 'sd' }],
    ['mp3', { kind: 'sound', of: 'track', format: 'mp3' }],
  ])('has a link %s that leads to %j', (name, asset) => {
    expect(opened(sent(post).download_link?.[name]).asset).toEqual(asset);
  });

  it('has no watermark link where there is no such rendition', () => {
    expect(sent(post).download_link).not.toHaveProperty('watermark');
  });

  it('has a watermark link where there is such a rendition', () => {
    const marked = samplePost({
      renditions: [sampleRendition(), sampleRendition({ id: 'download', watermark: true })],
    });
    expect(opened(sent(marked).download_link?.watermark).asset).toEqual({
      kind: 'video',
      rendition: 'download',
    });
  });

  it('lists its formats with a link to each', () => {
    const formats = sent(post).formats as unknown as { id: string; link: string }[];
    expect(formats.map(({ link }) => opened(link).asset)).toEqual(
      ['hd', 'sd'].map((rendition) => ({ kind: 'video', rendition })),
    );
  });

  it('lists its subtitles with a link to each', () => {
    const [subtitle] = sent(post).subtitles as unknown as { link: string }[];
    expect(opened(subtitle?.link).asset).toEqual({ kind: 'subtitle', language: 'eng-US', source: 'ASR' });
  });

  it('says where it came from, and nothing of missing fields where it knows all', () => {
    expect(answer(post)).toMatchObject({ source: 'page' });
    expect(sent(post)).not.toHaveProperty('partial');
  });

  it('names the fields that its source does not know', () => {
    const partial = ['statistics.play_count'];
    expect(answer(samplePost({ source: 'player', partial }))).toMatchObject({ source: 'player', partial });
  });

  it('has no mp3 where it has no sound', () => {
    const silent = samplePost({ sound: null, renditions: [sampleRendition({ hasAudio: false })] });
    expect(sent(silent)).toMatchObject({
      download_link: {},
      formats: [{ has_audio: false }],
      notice: 'This video is only available without sound.',
    });
  });

  it('has mp3, cover and a notice alone where the video has no address', () => {
    const ad = sent(samplePost({ renditions: [] }));
    expect(Object.keys(ad.download_link ?? {})).toEqual(['mp3', 'cover']);
    expect(opened(ad.download_link?.cover).asset).toEqual({ kind: 'cover' });
    expect([ad.formats, ad.notice]).toEqual([[], expect.stringContaining('is not available')]);
  });

  it.each([
    ['watermarked', sampleRendition({ id: 'watermark', watermark: true }), 'watermark'],
    ['unplayable', sampleRendition({ codec: 'bytevc2', playable: false }), 'players do not support'],
  ])('has a notice where its only file is %s', (_, rendition, words) => {
    expect(sent(samplePost({ renditions: [rendition] })).notice).toContain(words);
  });

  it('has no notice where it has a clean video', () => {
    expect(sent(post)).not.toHaveProperty('notice');
    expect(sent(post).download_link).not.toHaveProperty('cover');
  });

  it('says when its links expire', () => {
    const { links_expire_at } = answer(post);
    expect(Math.abs(Date.parse(links_expire_at) - Date.now() - 3_600_000)).toBeLessThan(60_000);
  });
});

describe('the response for a photo post', () => {
  it('is a picker without formats', () => {
    expect(answer(samplePhotoPost()).status).toBe('picker');
    expect(answer(samplePhotoPost())).not.toHaveProperty('formats');
  });

  it('has an empty list of subtitles', () => {
    expect(answer(samplePhotoPost()).subtitles).toEqual([]);
  });

  it('has a link to each photo, in order, twice', () => {
    const { photos, download_link } = sent(samplePhotoPost());
    const inPhotos = (photos as unknown as { link: string }[]).map(({ link }) => link);
    expect(download_link?.no_watermark).toEqual(inPhotos);
    expect(inPhotos.map((link) => opened(link).asset)).toEqual(
      [0, 1].map((index) => ({ kind: 'photo', index })),
    );
  });

  it('has links to the zip and the slideshow', () => {
    const { download_link, download_slideshow_link } = sent(samplePhotoPost());
    expect([opened(download_link?.zip).asset, opened(download_slideshow_link).asset]).toEqual([
      { kind: 'zip' },
      { kind: 'slideshow' },
    ]);
  });

  it('has the clip of a live photo beside its still', () => {
    const live = { width: 960, height: 1280, durationMs: 2800, urls: ['https://v26.example.com/clip'] };
    const [first, second] = samplePhotoPost().photos;
    const photos = first && second ? [first, { ...second, live }] : [];
    const [still, moving] = sent(samplePhotoPost({ photos })).photos as unknown as {
      live: { link: string };
    }[];
    expect(still).not.toHaveProperty('live');
    expect(moving?.live).toEqual({ width: 960, height: 1280, duration: 2800, link: expect.any(String) });
    expect(opened(moving?.live.link).asset).toEqual({ kind: 'live', index: 1 });
  });

  it('has an mp3 where it has a sound', () => {
    expect(opened(sent(samplePhotoPost()).download_link?.mp3).asset).toEqual({
      kind: 'sound',
      of: 'track',
      format: 'mp3',
    });
  });

  it('has no mp3 where it has none', () => {
    expect(sent(samplePhotoPost({ sound: null })).download_link).not.toHaveProperty('mp3');
  });
});

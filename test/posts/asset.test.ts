import { describe, expect, it } from 'vitest';
import type { Asset } from '../../src/posts/asset.ts';
import { assetSource } from '../../src/posts/asset.ts';
import { samplePhotoPost, samplePost, sampleRendition } from './sample.ts';

const subtitle = { language: 'eng-US', source: 'ASR', urls: ['https://v16.example.com/s'] };
const video = samplePost({ subtitles: [subtitle] });
const clip = { width: 960, height: 1280, durationMs: 2800, urls: ['https://v26.example.com/clip'] };
const silent = { title: 'Hit', author: '', album: '', durationMs: 0, cover: null, urls: [] };

describe('assetSource', () => {
  it.each<[Asset, string[] | undefined]>([
    [{ kind: 'video', rendition: 'h264_540p_1' }, ['https://v16.example.com/video/540/?a=1']],
    [{ kind: 'video', rendition: 'gone' }, undefined],
    [{ kind: 'sound', of: 'track', format: 'mp3' }, ['https://v16.example.com/audio/1']],
    [{ kind: 'subtitle', language: 'eng-US', source: 'ASR' }, ['https://v16.example.com/s']],
    [{ kind: 'subtitle', language: 'eng-US', source: 'MT' }, undefined],
    [{ kind: 'photo', index: 0 }, undefined],
    [{ kind: 'zip' }, undefined],
    [{ kind: 'slideshow' }, undefined],
  ])('finds %j of a video at %j', (asset, urls) => {
    expect(assetSource(video, asset)?.urls).toEqual(urls);
  });

  it('finds a photo by its place in the post', () => {
    expect(assetSource(samplePhotoPost(), { kind: 'photo', index: 1 })?.urls).toEqual([
      'https://p16.example.com/2.jpeg',
    ]);
  });

  it('finds the clip of a live photo by the place of its photo', () => {
    const photos = samplePhotoPost().photos.map((photo, index) => ({
      ...photo,
      live: index === 1 ? clip : null,
    }));
    const post = samplePhotoPost({ photos });
    expect(assetSource(post, { kind: 'live', index: 1 })?.urls).toEqual(clip.urls);
    expect(assetSource(post, { kind: 'live', index: 0 })).toBeNull();
  });

  it('finds a rendition under the id of another source', () => {
    const post = samplePost({ renditions: [sampleRendition({ id: 'h264_576p_1000000' })] });
    const asset = { kind: 'video', rendition: 'h264_576p_999424' } as const;
    expect(assetSource(post, asset)?.urls).toEqual(sampleRendition().urls);
  });

  it('finds the sound in the video where the track has no address', () => {
    expect(
      assetSource(samplePost({ sound: silent }), { kind: 'sound', of: 'track', format: 'mp3' })?.urls,
    ).toEqual(sampleRendition().urls);
  });

  it.each([
    ['without sound', sampleRendition({ hasAudio: false })],
    ['that players do not know', sampleRendition({ playable: false })],
  ])('finds no sound in a video %s', (_, rendition) => {
    expect(
      assetSource(samplePost({ sound: null, renditions: [rendition] }), {
        kind: 'sound',
        of: 'track',
        format: 'mp3',
      }),
    ).toBeNull();
  });

  it('finds the sound in a watermarked video where there is no other', () => {
    const renditions = [sampleRendition({ id: 'watermark', watermark: true })];
    expect(
      assetSource(samplePost({ sound: null, renditions }), { kind: 'sound', of: 'track', format: 'mp3' })
        ?.urls,
    ).toEqual(sampleRendition().urls);
  });

  it('finds no sound in a photo post without one', () => {
    expect(
      assetSource(samplePhotoPost({ sound: null }), { kind: 'sound', of: 'track', format: 'mp3' }),
    ).toBeNull();
  });

  it('keeps the egress of the post', () => {
    expect(
      assetSource(samplePost({ egress: 'p1' }), { kind: 'sound', of: 'track', format: 'mp3' })?.egress,
    ).toBe('p1');
  });
});

describe('the cookie of assetSource', () => {
  const asking = sampleRendition({ id: 'asks', urls: ['https://v16.example.com/b?tk=tt_chain_token'] });
  const post = samplePost({ cookie: 'tt_chain_token=x==', renditions: [asking, sampleRendition()] });

  it('is there for a link that asks for it', () => {
    expect(assetSource(post, { kind: 'video', rendition: 'asks' })?.cookie).toBe('tt_chain_token=x==');
  });

  it('is absent for a link that does not', () => {
    expect(assetSource(post, { kind: 'video', rendition: 'h264_540p_1' })?.cookie).toBeNull();
  });
});

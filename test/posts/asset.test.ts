import { describe, expect, it } from 'vitest';
import type { Asset } from '../../src/posts/asset.ts';
import { assetSource } from '../../src/posts/asset.ts';
import { samplePhotoPost, samplePost, sampleRendition } from './sample.ts';

const subtitle = { language: 'eng-US', source: 'ASR', urls: ['https://v16.example.com/s'] };
const video = samplePost({ subtitles: [subtitle] });
const silent = { title: 'Hit', author: '', album: '', durationMs: 0, cover: null, urls: [] };

describe('where a file lies', () => {
  it.each<[Asset, string[] | undefined]>([
    [{ kind: 'video', rendition: 'h264_540p_1' }, ['https://v16.example.com/video/540/?a=1']],
    [{ kind: 'video', rendition: 'gone' }, undefined],
    [{ kind: 'mp3' }, ['https://v16.example.com/audio/1']],
    [{ kind: 'subtitle', language: 'eng-US', source: 'ASR' }, ['https://v16.example.com/s']],
    [{ kind: 'subtitle', language: 'eng-US', source: 'MT' }, undefined],
    [{ kind: 'photo', index: 0 }, undefined],
    [{ kind: 'zip' }, undefined],
    [{ kind: 'slideshow' }, undefined],
  ])('for %j of a video is %j', (asset, urls) => {
    expect(assetSource(video, asset)?.urls).toEqual(urls);
  });

  it('for a photo is that of the same place in the post', () => {
    expect(assetSource(samplePhotoPost(), { kind: 'photo', index: 1 })?.urls).toEqual([
      'https://p16.example.com/2.jpeg',
    ]);
  });

  it('for the sound is the video where the track has no address', () => {
    expect(assetSource(samplePost({ sound: silent }), { kind: 'mp3' })?.urls).toEqual(sampleRendition().urls);
  });

  it('for the sound is nowhere where a photo post has none', () => {
    expect(assetSource(samplePhotoPost({ sound: null }), { kind: 'mp3' })).toBeNull();
  });

  it('goes out the way the page came in', () => {
    expect(assetSource(samplePost({ egress: 'p1' }), { kind: 'mp3' })?.egress).toBe('p1');
  });
});

describe('the cookie', () => {
  const asking = sampleRendition({ id: 'asks', urls: ['https://v16.example.com/b?tk=tt_chain_token'] });
  const post = samplePost({ cookie: 'tt_chain_token=x==', renditions: [asking, sampleRendition()] });

  it('goes with a link that asks for it', () => {
    expect(assetSource(post, { kind: 'video', rendition: 'asks' })?.cookie).toBe('tt_chain_token=x==');
  });

  it('stays away from a link that does not', () => {
    expect(assetSource(post, { kind: 'video', rendition: 'h264_540p_1' })?.cookie).toBeNull();
  });
});

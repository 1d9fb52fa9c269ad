import { describe, expect, it } from 'vitest';
import { postFromPage } from '../../src/posts/from-page.ts';
import type { Post, Sound } from '../../src/posts/post.ts';
import { toPostResponse } from '../../src/posts/response.ts';
import { soundsOf, soundUrls } from '../../src/posts/sounds.ts';
import { samplePhotoPost, samplePost, sampleRendition } from './sample.ts';

const SOUND = samplePost().sound as Sound;
const TRACK = 'https://v16.example.com/audio/1';
const lasting = (trackMs: number, videoMs: number, more: Partial<Sound> = {}): Post =>
  samplePost({ durationMs: videoMs, sound: { ...SOUND, durationMs: trackMs, ...more } });
const silent = [sampleRendition({ hasAudio: false })];

describe('the sounds of a post', () => {
  it.each<[string, Post, readonly string[]]>([
    ['a track as long as the video', lasting(12_000, 12_000), ['track', 'video']],
    ['a track that is shorter by a second', lasting(11_000, 12_000), ['track', 'video']],
    ['a track that is shorter by more', lasting(10_999, 12_000), ['video', 'track']],
    ['a track of unknown length', lasting(0, 12_000), ['track', 'video']],
    ['a track over what the camera recorded', lasting(60_000, 12_000, { isMixed: true }), ['video', 'track']],
    ['a licensed track without an address', lasting(60_000, 12_000, { urls: [] }), ['video']],
    ['a video without a track', samplePost({ sound: null }), ['video']],
    ['a silent video with a track, though shorter', { ...lasting(1, 12_000), renditions: silent }, ['track']],
    ['a silent video', samplePost({ sound: null, renditions: silent }), []],
    ['a photo post with music', samplePhotoPost(), ['track']],
    ['a photo post without', samplePhotoPost({ sound: null }), []],
  ])('%s', (_, post, sounds) => {
    expect(soundsOf(post)).toEqual(sounds);
  });

  it('lie at the track, and in the video; a track that a source does not know is in the video too', () => {
    const video = sampleRendition().urls;
    expect([soundUrls(samplePost(), 'track'), soundUrls(samplePost(), 'video')]).toEqual([[TRACK], video]);
    expect(soundUrls(samplePost({ sound: null }), 'track')).toEqual(video);
  });
});

describe('the sounds in the response', () => {
  const answer = (post: Post, offers = true) =>
    toPostResponse(post, {
      linkTo: (asset) => `to:${JSON.stringify(asset)}`,
      expiresAt: 0,
      preferCodec: 'best',
      cached: false,
      offers: () => offers,
    });
  const named = (post: Post) => answer(post).sounds.map(({ kind, format }) => `${kind} ${format}`);

  it('are both as MP3 and M4A, a track as M4A where its address does not say that it is an MP3', () => {
    const at = (url: string) => samplePost({ sound: { ...SOUND, urls: [url] } });
    expect(named(at(TRACK))).toEqual(['track mp3', 'track m4a', 'video mp3', 'video m4a']);
    for (const url of [`${TRACK}/?a=1&mime_type=audio_mpeg`, `${TRACK}.mp3`, `${TRACK}.mp3?x=1`]) {
      expect(named(at(url))).toEqual(['track mp3', 'video mp3', 'video m4a']);
    }
  });

  it('begin with that of download_link.mp3', () => {
    for (const post of [samplePost(), lasting(1000, 12_000), samplePhotoPost()]) {
      const { sounds, download_link } = answer(post);
      expect(sounds[0]).toMatchObject({ format: 'mp3', link: download_link.mp3 });
    }
    expect(answer(lasting(1000, 12_000)).sounds[0]?.kind).toBe('video');
  });

  it('are none where there are none, and where the operator offers none', () => {
    for (const none of [answer(samplePhotoPost({ sound: null })), answer(samplePost(), false)]) {
      expect([none.sounds, none.download_link.mp3]).toEqual([[], undefined]);
    }
  });
});

describe('a page', () => {
  it.each([
    [false, true, true],
    [true, true, false],
    [false, false, false],
    [undefined, true, false],
    [false, undefined, false],
  ])('with original %s and hasOriginalAudio %s: mixed %s', (original, hasOriginalAudio, isMixed) => {
    const item = {
      id: '1',
      music: { title: 'Hit', playUrl: TRACK, original },
      video: { claInfo: { hasOriginalAudio } },
    };
    const context = { ref: { platform: 'tiktok', id: '1' }, egress: 'direct', cookies: {}, source: 'page' };
    expect(postFromPage(item, context as never).sound?.isMixed).toBe(isMixed);
  });
});

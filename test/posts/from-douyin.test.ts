import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { postFromDouyin } from '../../src/posts/from-douyin.ts';
import type { Raw } from '../../src/posts/ytdlp.ts';

const read = (item: Raw) =>
  postFromDouyin({ item, info: {}, cookies: {} }, { platform: 'douyin', id: '7' }, 'direct');
const at = (url: string) => ({ url_list: [url] });

describe('a post from Douyin', () => {
  it('falls back on what was asked for', () => {
    expect(read({})).toMatchObject({
      ref: { platform: 'douyin', id: '7' },
      title: 'Douyin video #7',
      sound: null,
    });
  });

  it('has its duration in milliseconds, as Douyin does', () => {
    expect(read({ video: { duration: 15_400 } }).durationMs).toBe(15_400);
  });

  it('has a sound whose duration Douyin gives in seconds', () => {
    const music = { title: 'Purr', duration: 31, play_url: at('https://sf.example.com/1.mp3') };
    expect(read({ music }).sound).toMatchObject({
      durationMs: 31_000,
      urls: ['https://sf.example.com/1.mp3'],
    });
  });

  it('is known by its short id where the author has chosen no name', () => {
    expect(read({ author: { unique_id: '', short_id: '46429' } }).author.uniqueId).toBe('46429');
  });

  it('is a note where it has photos', () => {
    const images = [{ ...at('https://p3.example.com/1'), width: 3, height: 4 }];
    expect(read({ images })).toMatchObject({ kind: 'photo', url: 'https://www.douyin.com/note/7' });
  });

  it('is made of any JSON without an exception', () => {
    const keys = ['video', 'music', 'author', 'statistics', 'images', 'desc', 'aweme_id', 'create_time'];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), fc.jsonValue({ maxDepth: 3 })), (item) => {
        expect(() => read({ ...item })).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });
});

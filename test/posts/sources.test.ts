import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Post, SOURCE_NAMES, type SourceName } from '../../src/posts/post.ts';
import type { Raw } from '../../src/posts/raw.ts';
import { itemId, readPost } from '../../src/posts/readers.ts';
import { findRendition } from '../../src/posts/renditions.ts';
import * as shapes from './shapes.ts';

const read = (source: SourceName, raw: Raw): Post => {
  const ref = { platform: 'tiktok', id: '7', user: 'asked' } as const;
  return readPost(raw, { ref, source, egress: 'direct', cookies: {} });
};

const VIDEO = [
  ['page', shapes.videoPage],
  ['mobile', shapes.videoMobile],
  ['player', shapes.videoPlayer],
  ['embed', shapes.videoEmbed],
] as const satisfies [SourceName, Raw][];
const PHOTO = [
  ['page', shapes.photoPage],
  ['mobile', shapes.photoMobile],
  ['player', shapes.photoPlayer],
  ['embed', shapes.photoEmbed],
] as const satisfies [SourceName, Raw][];

const FIELDS = {
  'statistics.play_count': (post: Post) => post.statistics.play,
  'statistics.digg_count': (post: Post) => post.statistics.digg,
  'statistics.comment_count': (post: Post) => post.statistics.comment,
  'statistics.share_count': (post: Post) => post.statistics.share,
  'statistics.collect_count': (post: Post) => post.statistics.collect,
  'author.signature': (post: Post) => post.author.signature,
  music_duration: (post: Post) => post.sound?.durationMs,
} as const;

/** Rounded at the embed page. */
const ROUNDED = ['statistics.play_count'];

describe.each([
  ['video', VIDEO],
  ['photo post', PHOTO],
] as const)('the four sources of one %s', (kind, answers) => {
  const posts = answers.map(([source, raw]) => read(source, raw));
  const page = posts[0] as Post;

  it.each(posts.map((post) => [post.source, post] as const))(
    'agree with %s in what the post is',
    (_, post) => {
      expect(post).toMatchObject({
        ref: page.ref,
        kind: kind === 'video' ? 'video' : 'photo',
        url: page.url,
        title: page.title,
        description: page.description,
        author: { nickname: page.author.nickname, uniqueId: page.author.uniqueId },
        cover: page.cover,
        photos: page.photos,
      });
      expect(post.sound).toMatchObject({ title: page.sound?.title, author: page.sound?.author });
      expect(Math.abs(post.durationMs - page.durationMs)).toBeLessThan(1000);
    },
  );

  it.each(posts.map((post) => [post.source, post] as const))(
    'agree with %s in all that it knows',
    (_, post) => {
      for (const [name, value] of Object.entries(FIELDS)) {
        if (post.partial.includes(name)) expect([name, value(post) || 0]).toEqual([name, 0]);
        else if (ROUNDED.includes(name)) expect(value(post)).toBeGreaterThan(0);
        else expect([name, value(post)]).toEqual([name, value(page)]);
      }
    },
  );

  it('miss nothing on the page', () => {
    expect(page.partial).toEqual([]);
  });
});

describe('a video', () => {
  it('is dated by its id where its source has no time', () => {
    const [page, , player] = VIDEO.map(([source, raw]) => read(source, raw).createdAt);
    expect([page, player]).toEqual([shapes.VIDEO_CREATED, shapes.VIDEO_CREATED]);
  });

  it('has renditions of the same ids at page and player', () => {
    const ids = (source: SourceName, raw: Raw) => read(source, raw).renditions.map(({ id }) => id);
    expect(ids('page', shapes.videoPage)).toEqual(['h265_1080p_1900000', 'h264_576p_1500000', 'watermark']);
    expect(ids('player', shapes.videoPlayer)).toEqual(['h265_1080p_1900000', 'h264_576p_1500000']);
  });

  it('is found again at the mobile page, whose bitrate is that of the address', () => {
    const mobile = read('mobile', shapes.videoMobile).renditions;
    expect(mobile.map(({ id }) => id)).toEqual(['h264_576p_1499136']);
    expect(findRendition(mobile, 'h264_576p_1500000')).toBe(mobile[0]);
  });

  it('has the API as a last mirror at the player, and not on the page', () => {
    const last = (source: SourceName, raw: Raw) => read(source, raw).renditions[0]?.urls.at(-1);
    expect(last('player', shapes.videoPlayer)).toContain('/aweme/v1/play/');
    expect(last('page', shapes.videoPage)).not.toContain('/aweme/v1/play/');
  });

  it('has a watermarked file alone at the embed page', () => {
    expect(read('embed', shapes.videoEmbed).renditions).toMatchObject([{ id: 'watermark', watermark: true }]);
  });
});

describe('a photo post', () => {
  it.each(PHOTO)('has its sound and no renditions at %s', (source, raw) => {
    const post = read(source, raw);
    expect(post.renditions).toEqual([]);
    expect(post.sound?.urls[0]).toContain('/audio/');
  });

  it('has clean photos at the player', () => {
    expect(JSON.stringify(read('player', shapes.photoPlayer))).not.toContain('watermark.jpeg');
  });
});

describe('itemId', () => {
  it.each([...VIDEO, ...PHOTO])('is what the item of %s says', (source, raw) => {
    expect([shapes.VIDEO_ID, shapes.PHOTO_ID]).toContain(itemId(raw, source));
  });

  it.each(SOURCE_NAMES)('is null where an item of %s says none', (source) => {
    expect(itemId({}, source)).toBeNull();
  });

  it('is not the number that JSON.parse has rounded', () => {
    expect(itemId({ id: 7_123_456_789_012_346_000 }, 'player')).toBeNull();
  });
});

describe.each(SOURCE_NAMES)('a reader, of %s', (source) => {
  it('gives the requested post where the item says nothing', () => {
    const douyin = ['detail', 'share', 'slides', 'feed'].includes(source);
    const post = read(source, {});
    expect(post).toMatchObject({
      ref: { id: '7' },
      source,
      renditions: [],
      photos: [],
      sound: null,
      createdAt: null,
    });
    expect(post.title).toBe(`${douyin ? 'Douyin' : 'TikTok'} video #7`);
  });

  it('throws on no JSON', () => {
    const keys = [
      ...[
        'video',
        'music',
        'author',
        'stats',
        'statsV2',
        'imagePost',
        'desc',
        'id',
        'createTime',
        'itemInfo',
      ],
      ...['video_info', 'author_info', 'image_post_info', 'captions', 'music_info', 'id_str', 'profiles'],
      ...['itemInfos', 'authorInfos', 'musicInfos', 'imagePostInfo', 'displayImages', 'videoDetail'],
      ...['aweme_id', 'images', 'bit_rate', 'play_addr', 'url_list', 'statistics', 'urls', 'bitrateInfo'],
    ];
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.constantFrom('https://a.example.com/x', 'https://', '9'.repeat(30), -1, 1e300),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...keys), tie('value'), { maxKeys: 6 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), value), (raw) => {
        expect(() => read(source, raw)).not.toThrow();
      }),
      { numRuns: 300 },
    );
  });
});

/**
 * Posts as TikTok and Douyin really sent them. The captures are no part of this repository; where they lie beside it,
 * every one of them has to go through.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { classify } from '../src/extraction/failure.ts';
import { Links, TokenSealer } from '../src/links/index.ts';
import { postFromDouyin } from '../src/posts/from-douyin.ts';
import { postFromTikTok } from '../src/posts/from-tiktok.ts';
import type { Post } from '../src/posts/post.ts';
import { asObject, asObjects, asString } from '../src/posts/raw.ts';
import { toPostResponse } from '../src/posts/response.ts';
import type { Raw, YtdlpFormat } from '../src/posts/ytdlp.ts';

const FIXTURES = fileURLToPath(new URL('../../shared/fixtures/', import.meta.url));
const absent = !existsSync(FIXTURES);
if (absent) console.log('skipped: no captured posts beside the project (../shared/fixtures)');

const links = new Links(
  new TokenSealer('the key of these tests, 4711'),
  'https://media.example.com',
  6 * 3_600_000,
);

function captured(folder: string): { name: string; content: unknown }[] {
  if (absent) return [];
  return readdirSync(FIXTURES + folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({
      name,
      content: JSON.parse(readFileSync(`${FIXTURES}${folder}/${name}`, 'utf8')) as unknown,
    }));
}

const itemOf = (detail: unknown) => asObject(asObject(asObject(detail).itemInfo).itemStruct);
const named = (item: Raw): [string, Raw] => [asString(item.id) || asString(item.aweme_id), item];

const tiktokVideos = [
  ...captured('web-video').map(({ content }) => itemOf(content)),
  ...captured('web-items').flatMap(({ content }) => asObjects(content)),
].map(named);
const tiktokPhotos = captured('photo-reflow').map(({ content }) => named(itemOf(content)));
const douyinPosts = captured('douyin').flatMap(({ content }) => asObjects(content).map(named));
const douyinVideos = douyinPosts.filter(([, item]) => asObjects(item.images).length === 0);
const douyinPhotos = douyinPosts.filter(([, item]) => asObjects(item.images).length > 0);
const refusals = captured('web-status').map(({ name, content }): [string, Raw] => [name, asObject(content)]);

/** `v14044g5…_h264_540p_1234567`, as yt-dlp reads it. */
function formatFromKey(key: string): Partial<YtdlpFormat> {
  const [, id, codec, bitrate] = /^v[^_]+_(([^_]+)_\d+p_(\d+))$/.exec(key) ?? [];
  if (!id || !codec) return {};
  return {
    format_id: id,
    vcodec: codec === 'bytevc1' ? 'h265' : codec,
    tbr: Math.trunc(Number(bitrate) / 1000),
  };
}

/** The formats that yt-dlp makes of an item: one for each address, TikTok's own host left out. */
function tiktokFormats(item: Raw): YtdlpFormat[] {
  const video = asObject(item.video);
  const encodings = asObjects(video.bitrateInfo).flatMap((one) => {
    const address = asObject(one.PlayAddr);
    return (address.UrlList as string[]).map((url) => ({
      vcodec: 'h264',
      acodec: 'aac',
      ...formatFromKey(asString(address.UrlKey)),
      filesize: Number(address.DataSize),
      url,
    }));
  });
  const single = (format_id: string, url: unknown) =>
    asString(url) ? [{ format_id, vcodec: 'h264', acodec: 'aac', url: asString(url) }] : [];
  return [...encodings, ...single('play', video.playAddr), ...single('download', video.downloadAddr)].filter(
    ({ url }) => new URL(url).hostname !== 'www.tiktok.com',
  );
}

function douyinFormats(item: Raw): YtdlpFormat[] {
  const video = asObject(item.video);
  const read = (address: Raw, format: Partial<YtdlpFormat>) =>
    (Array.isArray(address.url_list) ? (address.url_list as string[]) : []).map((url) => ({
      acodec: 'aac',
      vcodec: 'h264',
      ...format,
      ...formatFromKey(asString(address.url_key)),
      width: Number(address.width),
      height: Number(address.height),
      filesize: Number(address.data_size),
      url,
    }));
  return [
    ...read(asObject(video.play_addr), { format_id: 'play_addr' }),
    ...read(asObject(video.download_addr), { format_id: 'download_addr' }),
    ...read(asObject(video.play_addr_h264), { format_id: 'play_addr_h264' }),
    ...asObjects(video.bit_rate).flatMap((one) =>
      read(asObject(one.play_addr), {
        format_id: asString(one.gear_name),
        vcodec: one.is_bytevc1 ? 'h265' : 'h264',
      }),
    ),
  ];
}

function fromTikTok(item: Raw): Post {
  const extracted = { info: { formats: tiktokFormats(item) }, item, cookies: { tt_chain_token: 'x' } };
  return postFromTikTok(extracted, { platform: 'tiktok', id: '1' }, 'direct');
}

function fromDouyin(item: Raw): Post {
  const extracted = { info: { formats: douyinFormats(item) }, item, cookies: {} };
  return postFromDouyin(extracted, { platform: 'douyin', id: '1' }, 'direct');
}

/** All links of an answer that lead to this service. */
function linksOf(post: Post): string[] {
  const answer = JSON.stringify(toPostResponse(post, { links, preferCodec: 'h264', cached: false }));
  return answer.match(/https:\/\/media\.example\.com[^"]+/g) ?? [];
}

const numbers = (stats: Raw, names: readonly string[]) => names.map((name) => Number(stats[name]));
const statistics = ({ statistics: s }: Post) => [s.play, s.digg, s.comment, s.share, s.collect];
const TIKTOK_STATS = ['playCount', 'diggCount', 'commentCount', 'shareCount', 'collectCount'];
const DOUYIN_STATS = ['play_count', 'digg_count', 'comment_count', 'share_count', 'collect_count'];

describe.skipIf(absent)('the captures', () => {
  it('are all there', () => {
    const counts = [tiktokVideos, tiktokPhotos, douyinVideos, douyinPhotos, refusals].map(
      (list) => list.length,
    );
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });
});

describe.skipIf(absent).each(tiktokVideos)('the captured TikTok video %s', (id, item) => {
  const post = fromTikTok(item);

  it('keeps its id, description and times', () => {
    expect([post.ref.id, post.kind, post.description, post.createdAt, post.durationMs]).toEqual([
      id,
      'video',
      item.desc,
      Number(item.createTime),
      Number(asObject(item.video).duration) * 1000,
    ]);
  });

  it('has its description for a title, or another one where it has none', () => {
    expect(post.title).toBe(item.desc || `TikTok video #${id}`);
  });

  it('keeps its author', () => {
    const { nickname, uniqueId, signature, avatarThumb, avatarMedium, avatarLarger } = asObject(item.author);
    expect(post.author).toEqual({
      nickname,
      uniqueId,
      signature: signature ?? '',
      avatarThumb: avatarThumb ?? '',
      avatarMedium: avatarMedium ?? '',
      avatarLarger: avatarLarger ?? '',
    });
  });

  it('keeps its statistics, the exact ones where there are two', () => {
    expect(statistics(post)).toEqual(
      numbers({ ...asObject(item.stats), ...asObject(item.statsV2) }, TIKTOK_STATS),
    );
  });

  it('has each encoding once, with the true size of picture and file', () => {
    const raw = asObjects(asObject(item.video).bitrateInfo).map((one) => {
      const { Width, Height, DataSize, UrlKey } = asObject(one.PlayAddr);
      const codec = formatFromKey(asString(UrlKey)).vcodec;
      return [codec, Width, Height, one.Bitrate, Number(DataSize)].join();
    });
    const read = post.renditions
      .filter((one) => one.size !== null)
      .map((one) => [one.codec, one.width, one.height, one.bitrate, one.size].join());
    expect(read.sort()).toEqual(raw.sort());
  });

  it('lists its best encodings first', () => {
    const sides = post.renditions.map((one) => Math.min(one.width ?? 0, one.height ?? 0));
    expect(sides).toEqual([...sides].sort((a, b) => b - a));
  });

  it('has an HD link and a standard one that play everywhere', () => {
    const { download_link } = toPostResponse(post, { links, preferCodec: 'h264', cached: false });
    expect(download_link).toEqual(
      expect.objectContaining({ no_watermark: expect.any(String), no_watermark_hd: expect.any(String) }),
    );
  });

  it('keeps the cookie that its media asks for, if it does', () => {
    const asks = post.renditions.some((one) => one.urls.some((url) => url.includes('tk=tt_chain_token')));
    expect(post.cookie).toBe(asks ? 'tt_chain_token=x' : null);
  });
});

describe.skipIf(absent).each(tiktokPhotos)('the captured TikTok photo post %s', (id, item) => {
  const post = fromTikTok(item);

  it('keeps its id, description and time', () => {
    expect([post.ref.id, post.kind, post.description, post.createdAt]).toEqual([
      id,
      'photo',
      item.desc,
      Number(item.createTime),
    ]);
  });

  it('has all photos in order, with their sizes', () => {
    const raw = asObjects(asObject(item.imagePost).images).map((image) => [
      image.imageWidth,
      image.imageHeight,
      asObject(image.imageURL).urlList,
    ]);
    expect(post.photos.map((photo) => [photo.width, photo.height, photo.urls])).toEqual(raw);
  });

  it('lasts as long as its sound', () => {
    expect(post.durationMs).toBe(Number(asObject(item.music).duration) * 1000);
  });

  it('keeps its statistics', () => {
    expect(statistics(post)).toEqual(numbers(asObject(item.stats), TIKTOK_STATS));
  });
});

describe.skipIf(absent).each(douyinPosts)('the captured Douyin post %s', (id, item) => {
  const post = fromDouyin(item);

  it('keeps its id, description, author and time', () => {
    const author = asObject(item.author);
    expect([
      post.ref.id,
      post.description,
      post.author.nickname,
      post.author.uniqueId,
      post.createdAt,
    ]).toEqual([id, item.desc, author.nickname, author.unique_id, item.create_time]);
  });

  it('keeps its statistics', () => {
    const raw = { play_count: 0, ...asObject(item.statistics) };
    expect(statistics(post)).toEqual(numbers(raw, DOUYIN_STATS));
  });
});

describe.skipIf(absent).each(douyinVideos)('the captured Douyin video %s', (_, item) => {
  const post = fromDouyin(item);

  it('keeps its duration', () => {
    expect(post.durationMs).toBe(asObject(item.video).duration);
  });

  it('has every size of file exactly once', () => {
    const sizes = douyinFormats(item).map((format) => format.filesize);
    expect(post.renditions.map((one) => one.size).sort()).toEqual([...new Set(sizes)].sort());
  });

  it('has mirrors for each encoding, and no API among them', () => {
    const addresses = post.renditions.map(({ urls }) => urls.map((url) => new URL(url).pathname));
    expect(addresses.every((paths) => paths.length > 1 && !paths.includes('/aweme/v1/play/'))).toBe(true);
  });
});

describe.skipIf(absent).each(douyinPhotos)('the captured Douyin photo post %s', (_, item) => {
  it('has all photos in order', () => {
    const raw = asObjects(item.images).map((image) => image.url_list);
    expect(fromDouyin(item).photos.map((photo) => photo.urls)).toEqual(raw);
  });
});

const all = [
  ...[...tiktokVideos, ...tiktokPhotos].map(([id, item]): [string, Post] => [id, fromTikTok(item)]),
  ...douyinPosts.map(([id, item]): [string, Post] => [id, fromDouyin(item)]),
];

describe.skipIf(absent).each(all)('the captured post %s', (_, post) => {
  it('is plain data: it survives JSON', () => {
    expect(JSON.parse(JSON.stringify(post))).toEqual(post);
  });

  it('names each file by something of its own', () => {
    const names = [
      ...post.renditions.map((one) => one.id),
      ...post.subtitles.map((one) => `${one.language} ${one.source}`),
    ];
    expect(names).toEqual([...new Set(names)]);
  });

  it('has links below 2,000 characters', () => {
    expect(Math.max(...linksOf(post).map((link) => link.length))).toBeLessThan(2000);
  });

  it('says when its media dies', () => {
    expect(post.mediaExpiresAt).toBeGreaterThan((post.createdAt ?? 0) * 1000);
  });
});

describe.skipIf(absent).each(refusals)('the captured refusal %s', (name, detail) => {
  it('is told apart', () => {
    const page = {
      count: 1,
      login: false,
      challenge: false,
      readable: true,
      status: Number(detail.statusCode),
      statusMsg: asString(detail.statusMsg),
      hasItem: false,
      classified: false,
    };
    const facts = { message: '', timeout: false, transport: false, http: null, geo: false, page };
    expect(classify(facts, 'tiktok')).toBe(
      name.includes('cross-border') ? 'region_blocked' : 'post_not_found',
    );
  });
});

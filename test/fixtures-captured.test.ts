/** Every captured post is read whole. The captures are no part of the repository. */
import { describe, expect, it } from 'vitest';
import { Links, TokenSealer } from '../src/links/index.ts';
import type { Post, SourceName } from '../src/posts/post.ts';
import { asObject, asObjects, asString, type Raw } from '../src/posts/raw.ts';
import { itemId, readPost } from '../src/posts/readers.ts';
import { chooseRenditions, shortSide } from '../src/posts/renditions.ts';
import { toPostResponse } from '../src/posts/response.ts';
import {
  absent,
  awemes,
  embeds,
  made,
  mobilePhotos,
  mobileVideos,
  pageVideos,
  shared,
} from './posts/captures.ts';

const links = new Links(
  new TokenSealer('the key of these tests, 4711'),
  'https://media.example.com',
  6 * 3_600_000,
);

function read(raw: Raw, source: SourceName): Post {
  const platform = ['detail', 'share', 'slides', 'feed'].includes(source) ? 'douyin' : 'tiktok';
  const cookies = { tt_chain_token: 'x' };
  return readPost(raw, { ref: { platform, id: '1' }, egress: 'direct', source, cookies });
}

/** The response as a client receives it. */
function respond(post: Post) {
  const expiresAt = links.expiryFromNow();
  const linkTo = links.linksTo(post, expiresAt);
  const response = toPostResponse(post, { linkTo, expiresAt, preferCodec: 'best', cached: false });
  return JSON.parse(JSON.stringify(response)) as Record<string, Record<string, unknown>>;
}

const named = (raw: Raw): [string, Raw] => [asString(raw.id) || asString(raw.aweme_id), raw];
const douyinVideos = awemes.filter((aweme) => asObjects(aweme.images).length === 0);
const douyinPhotos = awemes.filter((aweme) => asObjects(aweme.images).length > 0);

const numbers = (stats: Raw, names: readonly string[]) => names.map((name) => Number(stats[name]));
const statistics = ({ statistics: s }: Post) => [s.play, s.digg, s.comment, s.share, s.collect];
const TIKTOK_STATS = ['playCount', 'diggCount', 'commentCount', 'shareCount', 'collectCount'];
const DOUYIN_STATS = ['play_count', 'digg_count', 'comment_count', 'share_count', 'collect_count'];

describe.skipIf(absent)('the captures', () => {
  it('are all found', () => {
    const counts = [pageVideos, mobilePhotos, mobileVideos, embeds, douyinVideos, douyinPhotos, shared];
    expect(Math.min(...counts.map((list) => list.length), made.playerItems.length)).toBeGreaterThan(0);
  });
});

describe.skipIf(absent).each(pageVideos.map(named))('the captured page of video %s', (id, item) => {
  const post = read(item, 'page');
  const video = asObject(item.video);

  it('gives id, description and times', () => {
    expect([post.ref.id, post.kind, post.description, post.createdAt, post.durationMs]).toEqual([
      id,
      'video',
      item.desc,
      Number(item.createTime),
      Number(video.duration) * 1000,
    ]);
    expect(post.title).toBe(item.desc || `TikTok video #${id}`);
  });

  it('gives the author', () => {
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

  it('gives the exact statistics', () => {
    expect(statistics(post)).toEqual(
      numbers({ ...asObject(item.stats), ...asObject(item.statsV2) }, TIKTOK_STATS),
    );
  });

  it('gives each gear once, with its codec, picture, bitrate and size', () => {
    const raw = asObjects(video.bitrateInfo).map((gear) => {
      const { Width, Height, DataSize } = asObject(gear.PlayAddr);
      const codec = gear.CodecType === 'h265_hvc1' ? 'h265' : gear.CodecType;
      return [codec, Width, Height, gear.Bitrate, Number(DataSize)].join();
    });
    const clean = post.renditions.filter((one) => !one.watermark);
    const found = clean.map((one) => [one.codec, one.width, one.height, one.bitrate, one.size].join());
    expect(found.sort()).toEqual(raw.sort());
  });

  it('gives two mirrors of each gear, none of them the API', () => {
    const clean = post.renditions.filter((one) => !one.watermark);
    expect(clean.map(({ urls }) => urls.length)).toEqual(clean.map(() => 2));
    expect(JSON.stringify(clean)).not.toContain('/aweme/v1/play/');
  });

  it('gives the watermarked file where there is one', () => {
    const marked = post.renditions.filter((one) => one.watermark).map((one) => one.urls);
    expect(marked).toEqual(asString(video.downloadAddr) ? [[video.downloadAddr]] : []);
  });

  it('is watched in HD in the largest picture, and everywhere in the best H.264', () => {
    const side = (one: Raw) => {
      const { Width, Height } = asObject(one.PlayAddr);
      return Math.min(Number(Width), Number(Height));
    };
    const gears = asObjects(video.bitrateInfo);
    const h264 = gears.filter((gear) => gear.CodecType === 'h264');
    const { hd, standard } = chooseRenditions(post.renditions, 'best');
    expect(hd && shortSide(hd)).toBe(Math.max(...gears.map(side)));
    expect([standard?.codec, standard && shortSide(standard)]).toEqual(['h264', Math.max(...h264.map(side))]);
  });

  it('gives the cookie that its media asks for', () => {
    const asks = post.renditions.some((one) => one.urls.some((url) => url.includes('tk=tt_chain_token')));
    expect(post.cookie).toBe(asks ? 'tt_chain_token=x' : null);
  });
});

describe.skipIf(absent)('the bitrate in an address', () => {
  it('is that of the gear, to a Kibit', () => {
    const gears = pageVideos.flatMap((item) => asObjects(asObject(item.video).bitrateInfo));
    const pairs = gears.map((gear) => {
      const urls = asObject(gear.PlayAddr).UrlList as string[];
      return [Math.floor(Number(gear.Bitrate) / 1024), Number(new URL(urls[0] ?? '').searchParams.get('bt'))];
    });
    expect(pairs.map(([, inQuery]) => inQuery)).toEqual(pairs.map(([inGear]) => inGear));
  });
});

describe.skipIf(absent)('H.264 on the captured pages', () => {
  it('ends at 576 on most posts that have a larger H.265', () => {
    const largest = (post: Post, codec: string) =>
      Math.max(0, ...post.renditions.filter((one) => one.codec === codec && !one.watermark).map(shortSide));
    const sides = pageVideos
      .map((item) => read(item, 'page'))
      .map((post) => [largest(post, 'h264'), largest(post, 'h265')]);
    const ended = sides.filter(([h264]) => h264 === 576);
    console.log(
      `H.264 ends at 576 on ${ended.length} of ${sides.length} captured posts; ` +
        `on ${ended.filter(([, h265]) => (h265 ?? 0) > 576).length} of these H.265 is larger`,
    );
    expect(ended.length).toBeGreaterThan(sides.length / 2);
  });
});

describe.skipIf(absent).each(mobilePhotos.map(named))(
  'the captured mobile page of photo post %s',
  (id, item) => {
    const post = read(item, 'mobile');

    it('gives id, description and time', () => {
      expect([post.ref.id, post.kind, post.description, post.createdAt]).toEqual([
        id,
        'photo',
        item.desc,
        Number(item.createTime),
      ]);
    });

    it('gives all photos in order, with their sizes', () => {
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

    it('gives the statistics', () => {
      expect(statistics(post)).toEqual(numbers(asObject(item.stats), TIKTOK_STATS));
    });
  },
);

describe.skipIf(absent)('the captured mobile page of a video', () => {
  it('is read as the file says', () => {
    const posts = mobileVideos.map((item) => read(item, 'mobile'));
    expect(posts).toMatchObject([
      {
        ref: { id: '7585124257601162516', user: 'emlyreview' },
        kind: 'video',
        createdAt: 1_766_049_369,
        durationMs: 41_000,
        author: { nickname: 'emlyy 🇻🇳' },
        statistics: { play: 918_100, digg: 33_400, comment: 97, share: 2913, collect: 684 },
        renditions: [{ id: 'h264_576p_1607680', width: 576, height: 1024, hasAudio: true, watermark: false }],
        subtitles: [
          { language: 'eng-US', source: 'MT' },
          { language: 'vie-VN', source: 'ASR' },
        ],
        sound: { title: 'nhạc nền - emlyy 🇻🇳', author: 'emlyy 🇻🇳', durationMs: 41_000 },
        cookie: 'tt_chain_token=x',
        partial: [],
      },
    ]);
  });

  it('is the same inside its page detail and inside api-data', () => {
    for (const itemStruct of mobileVideos) {
      const detail = { statusCode: 0, itemInfo: { itemStruct } };
      expect(read(detail, 'mobile')).toEqual(read(itemStruct, 'mobile'));
      expect(read({ videoDetail: detail }, 'mobile')).toEqual(read(itemStruct, 'mobile'));
    }
  });
});

describe.skipIf(absent)('the captured embed pages', () => {
  const posts = embeds.map((data) => read(data, 'embed'));

  it('give the video, its file marked as watermarked', () => {
    expect(posts.find(({ kind }) => kind === 'video')).toMatchObject({
      ref: { id: '6718335390845095173', user: 'scout2015' },
      description: 'Scramble up ur name & I’ll try to guess it😍❤️ #foryoupage #petsoftiktok #aesthetic',
      createdAt: 1_564_234_358,
      durationMs: 10_000,
      author: { nickname: 'Scout, Suki & Stella' },
      renditions: [{ id: 'watermark', width: 576, height: 1024, watermark: true }],
    });
  });

  it('give the photo post with both photos and their mirrors', () => {
    const post = posts.find(({ kind }) => kind === 'photo');
    expect(post).toMatchObject({
      ref: { id: '7553302113757990166', user: 'hullcity' },
      renditions: [],
      photos: [
        { width: 1290, height: 824 },
        { width: 1440, height: 2470 },
      ],
    });
    expect(post?.photos.map(({ urls }) => urls.length)).toEqual([2, 2]);
  });

  it('date a post without a time by its id', () => {
    expect(posts.find(({ kind }) => kind === 'photo')?.createdAt).toBe(1_758_640_192);
  });

  it('say what they do not know', () => {
    expect(posts.map(({ partial }) => partial.includes('statistics.collect_count'))).toEqual([true, true]);
  });
});

describe.skipIf(absent).each(awemes.map(named))('the captured aweme %s', (id, aweme) => {
  const post = read(aweme, 'detail');

  it('gives id, description, author and time', () => {
    const author = asObject(aweme.author);
    expect([
      post.ref.id,
      post.description,
      post.author.nickname,
      post.author.uniqueId,
      post.createdAt,
    ]).toEqual([id, aweme.desc, author.nickname, author.unique_id, aweme.create_time]);
  });

  it('gives the statistics', () => {
    expect(statistics(post)).toEqual(numbers({ play_count: 0, ...asObject(aweme.statistics) }, DOUYIN_STATS));
  });
});

describe.skipIf(absent).each(douyinVideos.map(named))('the captured Douyin video %s', (_, aweme) => {
  const post = read(aweme, 'detail');
  const video = asObject(aweme.video);

  it('gives the duration', () => {
    expect(post.durationMs).toBe(video.duration);
  });

  it('gives every size of file exactly once', () => {
    const addresses = [
      video.play_addr,
      video.play_addr_h264,
      video.play_addr_265,
      video.download_addr,
      ...asObjects(video.bit_rate).map((gear) => gear.play_addr),
    ];
    const sizes = addresses.filter(Boolean).map((address) => asObject(address).data_size);
    expect(post.renditions.map((one) => one.size).sort()).toEqual([...new Set(sizes)].sort());
  });

  it('gives two mirrors of each file, none of them the API', () => {
    const mirrors = post.renditions.map(({ urls }) => urls.map((url) => url.includes('/aweme/v1/play/')));
    expect(mirrors).toEqual(mirrors.map(() => [false, false]));
  });
});

describe.skipIf(absent).each(douyinPhotos.map(named))('the captured Douyin photo post %s', (_, aweme) => {
  const post = read(aweme, 'detail');

  it('gives all photos in order, without the watermark', () => {
    expect(post.photos.map((photo) => photo.urls)).toEqual(
      asObjects(aweme.images).map((image) => image.url_list),
    );
    expect(JSON.stringify(post)).not.toContain('-water');
  });

  it('takes its video for what it is, the sound', () => {
    expect(post.renditions).toEqual([]);
    expect(post.sound?.urls[0]).toMatch(/\.mp3$/);
  });
});

describe.skipIf(absent)('the captured share pages of Douyin', () => {
  const posts = new Map(shared.map((aweme) => [asString(aweme.aweme_id), read(aweme, 'share')]));

  it('give the first video as the file says', () => {
    expect(posts.get('7582914250524413219')).toMatchObject({
      kind: 'video',
      title: '从狼窝回来的将军 #唐生明 #人物故事 #硬核深度计划  #内容启发搜索',
      createdAt: 1_765_534_817,
      durationMs: 434_377,
      cover: expect.stringContaining('1aab9d11e096498aa2ccc28ff5ea440d'),
      author: { nickname: '叫我金主编', uniqueId: 'jiaowojinzhu' },
      statistics: { play: 0, digg: 17_899, comment: 347, share: 236, collect: 1300 },
      sound: { title: '@叫我金主编创作的原声一叫我金主编', durationMs: 434_000, urls: [] },
      partial: ['audio', 'statistics.play_count'],
    });
  });

  it('give the second video as the file says', () => {
    expect(posts.get('7602845714967980465')).toMatchObject({
      kind: 'video',
      title: '胖东来发布春节放假五天#胖东来',
      createdAt: 1_770_175_464,
      durationMs: 21_943,
      cover: expect.stringContaining('o4efEq4Bgd97AIo8TzQc1xFmBLJFOXfdDWD4DR'),
      author: { nickname: '开心在新乡', uniqueId: '44068711020' },
      statistics: { play: 0, digg: 1741, comment: 250, share: 804, collect: 326 },
    });
  });

  it('give clean files built from the video id, up to the size of the video', () => {
    const api = 'https://aweme.snssdk.com/aweme/v1/play/?video_id=v2700fgi0000d61bnfnog65uqmmgbbe0';
    expect(posts.get('7602845714967980465')?.renditions).toMatchObject([
      { id: 'h264_1080p_0', width: 1920, height: 1080, urls: [`${api}&ratio=1080p&line=0`] },
      { id: 'h264_720p_0', width: 1280, height: 720, urls: [`${api}&ratio=720p&line=0`] },
      { id: 'h264_576p_0', width: 1024, height: 576, urls: [`${api}&ratio=540p&line=0`] },
    ]);
  });

  it('give the photo post as the file says, its video being its sound', () => {
    const post = posts.get('7602258656303155556');
    expect(post).toMatchObject({
      kind: 'photo',
      url: 'https://www.douyin.com/note/7602258656303155556',
      createdAt: 1_770_038_779,
      durationMs: 34_000,
      author: { nickname: '骑着蜗牛追导弹🐌▄█▀█●', uniqueId: '591717255' },
      statistics: { play: 0, digg: 71, comment: 42, share: 5, collect: 29 },
      renditions: [],
      sound: {
        durationMs: 34_000,
        urls: ['https://lf26-music-east.douyinstatic.com/obj/ies-music-hj/7601858848688720697.mp3'],
      },
      partial: ['statistics.play_count', 'photos.live'],
    });
    expect(post?.photos).toHaveLength(3);
    expect(post?.photos[0]).toMatchObject({ width: 672, height: 562, live: null });
    expect(JSON.stringify(post)).not.toContain('-water');
  });
});

const all: [string, SourceName, Post][] = (
  [
    ['page', pageVideos],
    ['mobile', [...mobilePhotos, ...mobileVideos]],
    ['embed', embeds],
    ['player', made.playerItems],
    ['detail', awemes],
    ['share', shared],
    ['slides', made.slides],
  ] as const
).flatMap(([source, items]) =>
  items.map((item): [string, SourceName, Post] => [itemId(item, source) ?? '', source, read(item, source)]),
);

describe.skipIf(absent).each(all)('the captured post %s of the source %s', (id, source, post) => {
  it('says its own id and source', () => {
    expect(id).toMatch(/^\d+$/);
    expect([post.ref.id, post.source]).toEqual([id, source]);
  });

  it('survives JSON', () => {
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
    const own = JSON.stringify(respond(post)).match(/https:\/\/media\.example\.com[^"]+/g) ?? [];
    expect(own.length).toBeGreaterThan(0);
    expect(Math.max(...own.map((link) => link.length))).toBeLessThan(2000);
  });

  it('can be saved, as a video or as photos', () => {
    const { no_watermark, no_watermark_hd, watermark } = respond(post).download_link ?? {};
    const expected = source === 'embed' && post.kind === 'video' ? watermark : no_watermark;
    expect(expected).toBeTruthy();
    if (post.kind === 'video' && source !== 'embed') expect(no_watermark_hd).toBeTruthy();
  });
});

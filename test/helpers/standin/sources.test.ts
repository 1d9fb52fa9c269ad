/** TikTok's sources as the stand-in answers for them, beside the captured ones where these are at hand. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { capture, compareShapes, hasCaptures } from './captures.ts';
import { photoPost, type Standin, type StandinPost, startStandin, statusPost, videoPost } from './index.ts';
import { AGENTS, ProbeClient, scriptJson } from './probe.ts';
import { DEFAULT_SETTINGS } from './sources.ts';

interface Item {
  id: string;
  desc: string;
  createTime: string;
  author: { uniqueId: string; nickname: string };
  stats: Record<string, number>;
  video: { playAddr: string; downloadAddr: string; duration: number; bitrateInfo?: Gear[] };
  music?: { playUrl: string };
  imagePost?: { images: { imageURL: { urlList: string[] } }[] };
}

interface Gear {
  GearName: string;
  Bitrate: number;
  PlayAddr: { DataSize: string; Width: number };
}

interface PlayerItem {
  id_str: string;
  desc: string;
  aweme_type: number;
  author_info: { unique_id: string; nickname: string };
  statistics_info: Record<string, number>;
  video_info: { url_list: string[]; meta: { duration: number }; profiles: Profile[] };
  image_post_info?: { images: { display_image: { url_list: string[] } }[] };
  captions?: unknown[];
}

interface Profile {
  gear_name: string;
  codec_type: string;
  bitrate: number;
  play_addr: { data_size: number; width: number; url_list: string[] };
}

interface Player {
  status_code: number;
  items?: PlayerItem[];
  results?: { code: string; id_str: string }[];
}

interface EmbedNode {
  errorCode?: number;
  videoData?: {
    itemInfos: {
      id: string;
      text: string;
      createTime: string;
      playCount: number;
      video: { urls: string[]; videoMeta: { duration: number } };
    };
    authorInfos: { uniqueId: string; nickName: string };
    imagePostInfo: { displayImages: { urlList: string[] }[] } | null;
  };
}

let standin: Standin;
let client: ProbeClient;

beforeAll(async () => {
  standin = await startStandin();
  client = new ProbeClient(standin);
});

afterEach(() => {
  Object.assign(standin.settings, DEFAULT_SETTINGS);
});

afterAll(async () => {
  await client.close();
  await standin.close();
});

const add = (post: StandinPost) => standin.posts.add(post);
const videoUrl = ({ id, user }: StandinPost) => `https://www.tiktok.com/@${user}/video/${id}`;

type Scopes = Record<string, { statusCode: number; statusMessage?: string; itemInfo?: { itemStruct: Item } }>;

function scopesOf(html: string): Scopes {
  return scriptJson<{ __DEFAULT_SCOPE__: Scopes }>(html, '__UNIVERSAL_DATA_FOR_REHYDRATION__')
    .__DEFAULT_SCOPE__;
}

async function desktop(post: StandinPost): Promise<Item> {
  const { text } = await client.get(videoUrl(post), { 'user-agent': AGENTS.chrome(150) });
  const item = scopesOf(text)['webapp.video-detail']?.itemInfo?.itemStruct;
  if (item === undefined) throw new Error('No item on the desktop page');
  return item;
}

async function mobile(post: StandinPost) {
  const answer = await client.get(videoUrl(post), { 'user-agent': AGENTS.iphone });
  const detail = scopesOf(answer.text)['webapp.reflow.video.detail'];
  return { ...answer, detail, item: detail?.itemInfo?.itemStruct };
}

async function player(ids: string, headers: Record<string, string> = {}) {
  const answer = await client.get(`https://www.tiktok.com/player/api/v1/items?item_ids=${ids}`, headers);
  return { ...answer, json: JSON.parse(answer.text) as Player };
}

async function embed(id: string): Promise<{ status: number; node: EmbedNode; state: unknown }> {
  const { status, text } = await client.get(`https://www.tiktok.com/embed/v2/${id}`);
  const state = scriptJson<{ source: { data: Record<string, EmbedNode> } }>(
    text,
    '__FRONTITY_CONNECT_STATE__',
  );
  return { status, state, node: state.source.data[`/embed/v2/${id}`] ?? {} };
}

function oembed(about: string) {
  return client.get(`https://www.tiktok.com/oembed?url=${encodeURIComponent(about)}`);
}

describe('the mobile page', () => {
  it('has one address with the cookie of the same answer, and no gears', async () => {
    const post = add(videoPost());
    const { item, detail, cookies, text } = await mobile(post);
    expect(text).not.toContain('webapp.video-detail');
    expect(detail?.statusMessage).toBe('');
    expect(item?.video).not.toHaveProperty('bitrateInfo');
    expect(item?.video.downloadAddr).toBe('');
    expect(item?.video.playAddr).toMatch(/tk=tt_chain_token$/);
    expect([typeof item?.stats.playCount, typeof item?.stats.collectCount, typeof item?.createTime]).toEqual([
      'number',
      'number',
      'string',
    ]);
    const headers = {
      cookie: `tt_chain_token=${cookies.tt_chain_token}`,
      referer: 'https://www.tiktok.com/',
    };
    const file = await client.get(item?.video.playAddr ?? '', headers);
    expect(file.body.equals(standin.media.bytes({ post, part: 'video' }))).toBe(true);
    expect((await client.get(item?.video.playAddr ?? '')).status).toBe(403);
  });

  it('serves photos at /video/ and at /photo/', async () => {
    const post = add(photoPost());
    expect((await mobile(post)).item?.imagePost?.images).toHaveLength(3);
    const { text } = await client.get(post.url, { 'user-agent': AGENTS.iphone });
    expect(scopesOf(text)['webapp.reflow.video.detail']?.itemInfo?.itemStruct.imagePost?.images).toHaveLength(
      3,
    );
  });

  it('can hold the item in api-data instead', async () => {
    standin.settings.mobileForm = 'api-data';
    const post = add(videoPost());
    const { text, detail } = await mobile(post);
    expect(detail).toBeUndefined();
    const data = scriptJson<{ videoDetail: { itemInfo: { itemStruct: Item } } }>(text, 'api-data');
    expect(data.videoDetail.itemInfo.itemStruct.id).toBe(post.id);
  });

  it('tells a status with statusMessage', async () => {
    const post = add(statusPost(10_204, 'author_secret'));
    expect((await mobile(post)).detail).toEqual({ statusCode: 10_204, statusMessage: 'author_secret' });
  });

  it.skipIf(!hasCaptures)('has only paths of the captured ones, with their types', async () => {
    const pairs: [StandinPost, string][] = [
      [videoPost(), 'sources/reflow/7585124257601162516.reflow.video.detail.json'],
      [photoPost(), 'photo-reflow/7610426235671350549.reflow.video.detail.json'],
    ];
    for (const [post, path] of pairs) {
      const { detail } = await mobile(add(post));
      const { invented, mistyped } = compareShapes(detail, JSON.parse(capture(path)));
      expect({ invented, mistyped }).toEqual({ invented: [], mistyped: [] });
    }
  });
});

describe('the player API', () => {
  it('writes ids as integers above 2^53, and as strings for agw-js-conv', async () => {
    const post = add(videoPost());
    const { text, json } = await player(post.id);
    expect(text).toContain(`"id":${post.id},"id_str":"${post.id}"`);
    expect(json.items?.[0]?.id_str).toBe(post.id);
    expect((await player(post.id, { 'agw-js-conv': 'str' })).text).toContain(`"id":"${post.id}"`);
  });

  it('has H.264 without a cookie, and H.265 behind two mirrors that refuse', async () => {
    const post = add(videoPost());
    const { json } = await player(post.id);
    const profiles = json.items?.[0]?.video_info.profiles ?? [];
    for (const { codec_type, play_addr } of profiles) {
      const codes: number[] = [];
      for (const url of play_addr.url_list) codes.push((await client.get(url)).status);
      expect([codec_type, codes]).toEqual([
        codec_type,
        codec_type === 'h264' ? [200, 200, 302] : [403, 403, 302],
      ]);
      const { headers } = await client.get(play_addr.url_list[2] ?? '');
      const file = await client.get(String(headers.location));
      expect(file.body).toHaveLength(play_addr.data_size);
    }
    expect(profiles.map(({ codec_type }) => codec_type)).toEqual([
      'h264',
      'h264',
      'h264',
      'bytevc1',
      'bytevc1',
    ]);
  });

  it('has the sound of a photo post where a video has its file', async () => {
    const post = add(photoPost());
    const item = (await player(post.id)).json.items?.[0];
    expect(item?.aweme_type).toBe(150);
    expect(item?.video_info.url_list[0]).toContain('mime_type=audio_mpeg');
    expect(item?.video_info.profiles).toEqual([]);
    const images = item?.image_post_info?.images ?? [];
    for (const [index, { display_image }] of images.entries()) {
      const file = await client.get(display_image.url_list[0] ?? '');
      expect(file.body.equals(standin.media.bytes({ post, part: 'photo', index }))).toBe(true);
    }
    expect(images).toHaveLength(3);
  });

  it('answers nil_core_data for what it does not show, bad ids with status 5, and none with 400', async () => {
    const there = add(videoPost());
    const gone = add(statusPost(10_204, 'status_deleted'));
    const withheld = add(videoPost({ behaviour: { status: 10_204, message: 'cross_border_violation_ur' } }));
    const codes = async () =>
      (await player([there.id, gone.id, withheld.id].join())).json.results?.map(({ code }) => code);
    expect(await codes()).toEqual(['ok', 'nil_core_data', 'nil_core_data']);
    standin.settings.playerShowsWithheld = true;
    expect(await codes()).toEqual(['ok', 'nil_core_data', 'ok']);
    expect((await player('abc')).json).toEqual({ status_code: 5, status_msg: 'Invalid parameters' });
    const none = await player('');
    expect([none.status, none.body.length]).toEqual([400, 109]);
  });

  it('lists captions unless told otherwise', async () => {
    const post = add(videoPost());
    expect((await player(post.id)).json.items?.[0]?.captions).toHaveLength(2);
    standin.settings.playerCaptions = false;
    expect((await player(post.id)).json.items?.[0]).not.toHaveProperty('captions');
  });

  it.skipIf(!hasCaptures)('has only paths that readers read', async () => {
    standin.settings.playerCaptions = false;
    const pairs: [StandinPost, string][] = [
      [videoPost(), 'sources/player-api/made.video.json'],
      [photoPost(), 'sources/player-api/made.photo.json'],
      [statusPost(10_204, ''), 'sources/player-api/made.nil_core_data.json'],
    ];
    for (const [post, path] of pairs) {
      const { json } = await player(add(post).id);
      const { invented, mistyped } = compareShapes(json, JSON.parse(capture(path)));
      expect({ path, invented, mistyped }).toEqual({ path, invented: [], mistyped: [] });
    }
  });
});

describe('the embed page', () => {
  it('has one watermarked file, and clean photos', async () => {
    const post = add(videoPost({ download: false }));
    const video = (await embed(post.id)).node.videoData;
    const file = await client.get(video?.itemInfos.video.urls[0] ?? '');
    expect(file.body.equals(standin.media.bytes({ post, part: 'marked' }))).toBe(true);
    const album = add(photoPost());
    const photos = (await embed(album.id)).node.videoData;
    expect(photos?.itemInfos.video.urls).toEqual([]);
    const photo = await client.get(photos?.imagePostInfo?.displayImages[1]?.urlList[0] ?? '');
    expect(photo.body.equals(standin.media.bytes({ post: album, part: 'photo', index: 1 }))).toBe(true);
  });

  it('answers 400 with 10204 for deleted, private, withheld and unknown posts alike', async () => {
    const ids = [
      '7000000000000000011',
      ...['status_deleted', 'author_secret', 'cross_border_violation_ur'].map(
        (message) => add(statusPost(10_204, message)).id,
      ),
    ];
    for (const id of ids) {
      const { status, node } = await embed(id);
      expect([status, node.errorCode, node.videoData]).toEqual([400, 10_204, undefined]);
    }
  });

  it('rounds the counts of big posts when told to', async () => {
    const post = add(videoPost({ stats: { play: 1_234_567, digg: 9876, comment: 1, share: 2, collect: 3 } }));
    expect((await embed(post.id)).node.videoData?.itemInfos.playCount).toBe(1_234_567);
    standin.settings.embedRounds = true;
    expect((await embed(post.id)).node.videoData?.itemInfos.playCount).toBe(1_230_000);
  });

  it.skipIf(!hasCaptures)('has every path of the captured ones, with its type', async () => {
    const pairs: [StandinPost, string][] = [
      [videoPost({ id: '6718335390845095173' }), 'sources/embed-v2/6718335390845095173.video.cut.json'],
      [photoPost({ id: '7553302113757990166' }), 'sources/embed-v2/7553302113757990166.photo.cut.json'],
    ];
    for (const [post, path] of pairs) {
      const { state } = await embed(add(post).id);
      const { invented, mistyped } = compareShapes(JSON.parse(capture(path)), state);
      expect({ path, missing: invented, mistyped }).toEqual({ path, missing: [], mistyped: [] });
    }
  });
});

describe('oEmbed', () => {
  it('answers 200 for a public or withheld video, whoever its user is said to be', async () => {
    const post = add(videoPost());
    const withheld = add(statusPost(10_204, 'cross_border_violation_ur'));
    for (const { id } of [post, withheld]) {
      const { status, text } = await oembed(`https://www.tiktok.com/@anyone/video/${id}`);
      expect([status, JSON.parse(text)]).toMatchObject([200, { embed_product_id: id, embed_type: 'video' }]);
    }
  });

  it('answers 400 without a byte for deleted, private and photo posts and for short links', async () => {
    const about = [
      add(statusPost(10_204, 'status_deleted')).url,
      add(statusPost(10_222, '')).url,
      add(photoPost()).url,
      standin.shortLinks.add(add(videoPost())).url,
    ];
    for (const url of about) {
      const { status, body, headers } = await oembed(url);
      expect([url, status, body.length, headers['content-type']]).toEqual([
        url,
        400,
        0,
        'application/json; charset=utf-8',
      ]);
    }
  });

  it.skipIf(!hasCaptures)('has the fields of the captured one', async () => {
    const { text } = await oembed(add(videoPost()).url);
    const real = JSON.parse(capture('sources/oembed/6718335390845095173.video.json'));
    expect(Object.keys(JSON.parse(text) as object)).toEqual(Object.keys(real));
  });
});

describe('one post from every source', () => {
  it('has the same author, caption, counts, time, duration and gears', async () => {
    const post = add(videoPost({ desc: 'Für "alle" 👋 <b> #tag' }));
    const page = await desktop(post);
    const phone = (await mobile(post)).item;
    const play = (await player(post.id)).json.items?.[0];
    const frame = (await embed(post.id)).node.videoData;
    const card = JSON.parse((await oembed(post.url)).text) as Record<string, string>;
    expect([page.desc, phone?.desc, play?.desc, frame?.itemInfos.text, card.title]).toEqual(
      Array(5).fill(post.desc),
    );
    expect([
      page.author.uniqueId,
      phone?.author.uniqueId,
      play?.author_info.unique_id,
      frame?.authorInfos.uniqueId,
      card.author_unique_id,
    ]).toEqual(Array(5).fill(post.user));
    expect([page.stats.playCount, phone?.stats.playCount, frame?.itemInfos.playCount]).toEqual(
      Array(3).fill(post.stats.play),
    );
    expect([page.stats.diggCount, phone?.stats.diggCount, play?.statistics_info.digg_count]).toEqual(
      Array(3).fill(post.stats.digg),
    );
    expect(play?.statistics_info).not.toHaveProperty('play_count');
    expect([page.createTime, phone?.createTime, frame?.itemInfos.createTime]).toEqual(
      Array(3).fill(String(post.createTime)),
    );
    expect([
      page.video.duration,
      phone?.video.duration,
      (play?.video_info.meta.duration ?? 0) / 1000,
      frame?.itemInfos.video.videoMeta.duration,
    ]).toEqual([4, 4, 4, 4]);
    const gears = page.video.bitrateInfo?.map((gear) => [
      gear.GearName,
      gear.Bitrate,
      gear.PlayAddr.Width,
      Number(gear.PlayAddr.DataSize),
    ]);
    expect(
      play?.video_info.profiles.map((gear) => [
        gear.gear_name,
        gear.bitrate,
        gear.play_addr.width,
        gear.play_addr.data_size,
      ]),
    ).toEqual(gears?.filter(([name]) => name !== 'adapt_1080_2'));
  });

  it('has the same photos', async () => {
    const post = add(photoPost({ photos: ['portrait_1', 'landscape', 'webp'] }));
    const files = (urls: (string | undefined)[] = []) =>
      urls.map((url) => standin.addresses.judge(new URL(url ?? '').hostname, url ?? '', {}).ref?.index);
    const page = (await desktop(post)).imagePost?.images.map(({ imageURL }) => imageURL.urlList[0]);
    const phone = (await mobile(post)).item?.imagePost?.images.map(({ imageURL }) => imageURL.urlList[0]);
    const play = (await player(post.id)).json.items?.[0]?.image_post_info?.images.map(
      ({ display_image }) => display_image.url_list[1],
    );
    const frame = (await embed(post.id)).node.videoData?.imagePostInfo?.displayImages.map(
      ({ urlList }) => urlList[1],
    );
    expect([page, phone, play, frame].map(files)).toEqual(Array(4).fill([0, 1, 2]));
  });

  it('has no video but sound and cover where it is an advertisement', async () => {
    const post = add(videoPost({ behaviour: 'ad' }));
    const page = await desktop(post);
    expect([page.video.playAddr, page.video.downloadAddr, page.video.bitrateInfo]).toEqual(['', '', []]);
    expect((await client.get(page.music?.playUrl ?? '')).status).toBe(200);
    expect((await player(post.id)).json.items?.[0]?.video_info).toMatchObject({ url_list: [], profiles: [] });
    expect((await embed(post.id)).node.videoData?.itemInfos.video.urls).toEqual([]);
  });
});

describe('the journal', () => {
  it('says what was asked, of which source, by which egress, with which browser and cookies', async () => {
    const post = add(videoPost());
    await client.get(videoUrl(post), { 'user-agent': AGENTS.chrome(150), cookie: 'ttwid=1; a=b' });
    await client.get(videoUrl(post), { 'user-agent': AGENTS.iphone }, { egress: 'alice' });
    await player(post.id);
    await embed(post.id);
    await oembed(post.url);
    expect(standin.journal.sources({ post })).toEqual(['page', 'mobile', 'player', 'embed', 'oembed']);
    const [first] = standin.journal.asked({ post, source: 'page' });
    expect([first?.browser, first?.cookies]).toEqual([
      { family: 'chrome', version: 150, phone: false },
      { ttwid: '1', a: 'b' },
    ]);
    expect(standin.journal.sources({ post, egress: 'alice' })).toEqual(['mobile']);
    expect(first?.tls).toMatch(/^[0-9a-f]{12}$/);
  });
});

/** Douyin's ways to a post as the stand-in answers for them, beside the captured ones where these are at hand. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { capture, compareShapes, hasCaptures } from './captures.ts';
import {
  DASH_RENDITIONS,
  filteredPost,
  photoPost,
  type Standin,
  type StandinPost,
  startStandin,
  videoPost,
} from './index.ts';
import { AGENTS, type Probe, ProbeClient } from './probe.ts';
import { DEFAULT_SETTINGS } from './sources.ts';

const OPEN = { origin: 'https://open.douyin.com' };
const PHONE = { 'user-agent': AGENTS.iphone };
const REFERER = { referer: 'https://www.douyin.com/' };
const REGISTRATION = {
  region: 'cn',
  aid: 1768,
  needFid: false,
  service: 'www.ixigua.com',
  migrate_info: { ticket: '', source: 'node' },
  cbUrlProtocol: 'https',
  union: true,
};

interface Addr {
  uri: string;
  url_list: string[];
}

interface Aweme {
  aweme_id: string;
  desc: string;
  statistics: { digg_count: number; play_count: number };
  video: {
    play_addr: Addr;
    bit_rate: { gear_name: string; format: string; is_h265: number; play_addr: Addr }[] | null;
    bit_rate_audio?: unknown;
  };
  images:
    | ({ live_photo_type?: number; video?: { play_addr: Addr }; download_url_list: string[] } & Addr)[]
    | null;
}

interface ShareInfo {
  item_list: Aweme[];
  filter_list: { filter_reason: string }[];
}

let standin: Standin;
let client: ProbeClient;

beforeAll(async () => {
  standin = await startStandin({ extraProxies: 1 });
  client = new ProbeClient(standin);
});

afterEach(() => {
  Object.assign(standin.settings, DEFAULT_SETTINGS);
  standin.sharePace.clear();
  standin.refusals.clear();
});

afterAll(async () => {
  await client.close();
  await standin.close();
});

const add = (post: StandinPost) => standin.posts.add(post);
const addVideo = (options: Parameters<typeof videoPost>[0] = {}) =>
  add(videoPost({ platform: 'douyin', ...options }));
const addPhotos = (options: Parameters<typeof photoPost>[0] = {}) =>
  add(photoPost({ platform: 'douyin', ...options }));

function askDetail(id: string, headers: Record<string, string>, egress: number | string = 0): Promise<Probe> {
  const url = `https://www.douyin.com/aweme/v1/web/aweme/detail/?aweme_id=${id}&aid=6383`;
  return client.get(url, headers, { egress });
}

async function detail(post: StandinPost): Promise<Aweme> {
  const { text } = await askDetail(post.id, OPEN);
  return (JSON.parse(text) as { aweme_detail: Aweme }).aweme_detail;
}

async function register(egress: number | string = 0): Promise<string> {
  const { cookies } = await client.get(
    'https://ttwid.bytedance.com/ttwid/union/register/',
    { 'content-type': 'application/json' },
    { method: 'POST', body: JSON.stringify(REGISTRATION), egress },
  );
  return `ttwid=${cookies.ttwid}`;
}

function share(post: { id: string }, headers: Record<string, string>, form = 'video'): Promise<Probe> {
  return client.get(`https://www.iesdouyin.com/share/${form}/${post.id}/`, headers);
}

function routerData(html: string): { loaderData: Record<string, { videoInfoRes?: ShareInfo } | null> } {
  const text = /window\._ROUTER_DATA = (.*?)<\/script>/s.exec(html)?.[1] ?? '';
  return JSON.parse(text.replace(/;\s*$/, ''));
}

const infoOf = (html: string, key = 'video'): ShareInfo | undefined =>
  routerData(html).loaderData[`${key}_(id)/page`]?.videoInfoRes;

describe('the detail API', () => {
  it('gives data for the right Origin alone, and nothing for a Referer or for www', async () => {
    const post = addVideo();
    expect((await detail(post)).aweme_id).toBe(post.id);
    for (const headers of [{}, { referer: OPEN.origin }, { origin: 'https://www.douyin.com' }]) {
      const { status, body } = await askDetail(post.id, headers);
      expect([status, body.length]).toEqual([200, 0]);
    }
    expect((await askDetail(post.id, { origin: 'https://example.com' })).status).toBe(403);
    standin.settings.detailWantsSecFetch = true;
    expect((await askDetail(post.id, OPEN)).body).toHaveLength(0);
    expect((await askDetail(post.id, { ...OPEN, 'sec-fetch-mode': 'cors' })).body.length).toBeGreaterThan(0);
  });

  it('gives data for a registered ttwid, and nothing for a forged or expired one', async () => {
    const post = addVideo();
    const cookie = await register();
    const length = async (value: string) => (await askDetail(post.id, { cookie: value })).body.length;
    expect(await length(cookie)).toBeGreaterThan(0);
    expect(await length(cookie.replace(/.$/, (last) => (last === '0' ? '1' : '0')))).toBe(0);
    expect(await length('ttwid=1%7Cabc%7C1700000000%7Cdef')).toBe(0);
    standin.ttwids.expireAll();
    expect(await length(cookie)).toBe(0);
    expect(standin.journal.sources({ post })).toEqual(Array(4).fill('douyin-ttwid'));
  });

  it('can be closed one way at a time, and at one egress', async () => {
    const post = addVideo();
    const cookie = await register();
    standin.refusals.add({ source: 'douyin-detail', kind: 'empty-200' });
    standin.refusals.add({ source: ['douyin-ttwid', 'douyin-cookies'], kind: 'argus', egress: 1 });
    expect((await askDetail(post.id, OPEN)).body).toHaveLength(0);
    expect((await askDetail(post.id, { cookie })).status).toBe(200);
    const argus = await askDetail(post.id, { cookie }, 1);
    expect([argus.status, argus.text]).toEqual([403, 'Blocked by ArgusSecurityPlugin Signature Not Found']);
    expect((await askDetail(post.id, { cookie: 's_v_web_id=verify_1' }, 1)).status).toBe(403);
  });

  it.each([
    'core_dep',
    'status_deleted',
    'status_self_see',
    'status_part_see',
    'status_audit_not_pass',
    'music_deleted_video',
  ])('names the reason %s of a filtered post', async (reason) => {
    const { text } = await askDetail(add(filteredPost(reason)).id, OPEN);
    expect(JSON.parse(text)).toMatchObject({ aweme_detail: null, filter_detail: { filter_reason: reason } });
  });

  it('answers core_dep for an unknown id, and status 2053 where told to', async () => {
    const { text } = await askDetail('7000000000000000031', OPEN);
    expect(JSON.parse(text)).toMatchObject({ filter_detail: { filter_reason: 'core_dep' }, status_code: 0 });
    const odd = await askDetail(add(filteredPost(2053)).id, OPEN);
    expect(JSON.parse(odd.text)).toMatchObject({ aweme_detail: null, status_code: 2053 });
  });

  it('lists silent DASH tracks beside a muxed file, and says so by format and path', async () => {
    const { video } = await detail(addVideo({ renditions: DASH_RENDITIONS }));
    expect(
      video.bit_rate?.map(({ format, is_h265, play_addr }) => [
        format,
        is_h265,
        /\/media-video-\w+\//.exec(play_addr.url_list[0] ?? '')?.[0],
      ]),
    ).toEqual([
      ['mp4', 0, undefined],
      ['dash', 0, '/media-video-avc1/'],
      ['dash', 1, '/media-video-hvc1/'],
    ]);
    expect(video.play_addr.url_list).toEqual(video.bit_rate?.[0]?.play_addr.url_list);
    expect(video.bit_rate_audio).toHaveLength(1);
  });

  it('has the clip of a live photo for aid=6383, and not for aid=1128', async () => {
    const post = addPhotos({ live: [1] });
    const { images } = await detail(post);
    expect(images?.map(({ live_photo_type }) => live_photo_type)).toEqual([undefined, 1, undefined]);
    const clip = await client.get(images?.[1]?.video?.play_addr.url_list[0] ?? '', REFERER);
    expect(clip.body.equals(standin.media.bytes({ post, part: 'live', index: 1 }))).toBe(true);
    const url = `https://www.douyin.com/aweme/v1/web/aweme/detail/?aweme_id=${post.id}&aid=1128`;
    expect((await client.get(url, OPEN)).text).not.toContain('live_photo_type');
  });

  it('has clean pictures in url_list and watermarked ones in download_url_list', async () => {
    const post = addPhotos();
    const { images, video } = await detail(post);
    const clean = await client.get(images?.[0]?.url_list[0] ?? '');
    const marked = await client.get(images?.[0]?.download_url_list[0] ?? '');
    expect(clean.body.equals(standin.media.bytes({ post, part: 'photo' }))).toBe(true);
    expect(marked.body.equals(standin.media.bytes({ post, part: 'marked' }))).toBe(true);
    expect(images?.[0]?.download_url_list[0]).toContain('~tplv-dy-water-v2:');
    // The sound stands where a video has its file.
    expect(video.play_addr.uri).toMatch(/^https:.*\.mp3$/);
  });

  it.skipIf(!hasCaptures)('has only paths of captured items, with their types', async () => {
    const real = JSON.parse(capture('douyin/web-awemes-2026-02.json'));
    const ours = [await detail(addVideo()), await detail(addPhotos())];
    expect(compareShapes(ours, real)).toEqual({ invented: [], mistyped: [] });
  });
});

describe('registration of a ttwid', () => {
  it('sets the cookie, and is counted by egress', async () => {
    const before = standin.ttwids.registrations.length;
    expect(await register()).toMatch(/^ttwid=1%7C[\w-]{43}%7C\d{10}%7C[0-9a-f]{64}$/);
    await register('alice');
    expect(
      standin.ttwids.registrations.slice(before).map(({ proxy, identity }) => [proxy, identity]),
    ).toEqual([
      [0, null],
      [0, 'alice'],
    ]);
  });

  it('wants a POST with the body that clients send', async () => {
    const url = 'https://ttwid.bytedance.com/ttwid/union/register/';
    expect((await client.get(url)).cookies).toEqual({});
    expect((await client.get(url, {}, { method: 'POST', body: '{}' })).cookies).toEqual({});
  });
});

describe('slidesinfo', () => {
  const ask = (query: string, headers: Record<string, string> = PHONE) =>
    client.get(
      `https://www.iesdouyin.com/web/api/v2/aweme/slidesinfo/?reflow_source=reflow_page&${query}`,
      headers,
    );

  it('gives the post with its clips to a phone that sends no Referer', async () => {
    const { id } = addPhotos({ live: [0] });
    const { text } = await ask(`aweme_ids=[${id}]&request_source=200`);
    const [item] = (JSON.parse(text) as { aweme_details: Aweme[] }).aweme_details;
    expect([item?.aweme_id, item?.images?.[0]?.live_photo_type]).toEqual([id, 1]);
  });

  it('gives nothing for quotes, a signature, a Referer or a desktop browser', async () => {
    const { id } = addPhotos();
    const answers = [
      await ask(`aweme_ids=["${id}"]`),
      await ask(`aweme_ids=[${id}]&a_bogus=abc`),
      await ask(`aweme_ids=[${id}]`, { ...PHONE, ...REFERER }),
      await ask(`aweme_ids=[${id}]`, { 'user-agent': AGENTS.chrome(150) }),
    ];
    expect(answers.map(({ status, body }) => [status, body.length])).toEqual(Array(4).fill([200, 0]));
  });

  it('can give a reason, or nothing, for every post', async () => {
    const { id } = addPhotos();
    standin.settings.slides = 'reason';
    const { text } = await ask(`aweme_ids=[${id}]`);
    expect(JSON.parse(text)).toMatchObject({
      aweme_details: null,
      filter_list: [{ aweme_id: id, reason: 8 }],
    });
    standin.settings.slides = 'empty';
    expect((await ask(`aweme_ids=[${id}]`)).body).toHaveLength(0);
  });

  it.skipIf(!hasCaptures)('has the paths of the live photo that readers read', async () => {
    const { text } = await ask(`aweme_ids=[${addPhotos({ live: [0] }).id}]`);
    const real = JSON.parse(capture('sources/douyin-slides/made.live-photo.json'));
    const { invented, mistyped } = compareShapes(real, JSON.parse(text));
    expect({ missing: invented, mistyped }).toEqual({ missing: [], mistyped: [] });
  });
});

describe('the share page', () => {
  it('has the item for a phone with a registered ttwid, and one address with playwm in it', async () => {
    const post = addVideo();
    const { text } = await share(post, { ...PHONE, cookie: await register() });
    expect(text).toContain('"video_(id)\\u002Fpage"');
    const item = infoOf(text)?.item_list[0];
    expect([item?.aweme_id, item?.desc, item?.statistics.play_count, item?.video.bit_rate]).toEqual([
      post.id,
      post.desc,
      0,
      null,
    ]);
    expect(item?.video.play_addr.url_list[0]).toMatch(
      /^https:\/\/aweme\.snssdk\.com\/aweme\/v1\/playwm\/\?video_id=v\w+&ratio=720p/,
    );
  });

  it('shows photo posts under note and under video, and none of their clips', async () => {
    const post = addPhotos({ live: [0] });
    const headers = { ...PHONE, cookie: await register() };
    for (const form of ['note', 'video']) {
      const item = infoOf((await share(post, headers, form)).text, form)?.item_list[0];
      expect(item?.images).toHaveLength(3);
      expect(item?.images?.[0]).not.toHaveProperty('video');
      expect(item?.video.play_addr.uri).toMatch(/^https:.*\.mp3$/);
    }
    expect(infoOf((await share(post, headers, 'slides')).text)).toBeUndefined();
  });

  it('is a shell of some 32 KB without a good ttwid', async () => {
    const { body, text, headers, status } = await share(addVideo(), PHONE);
    expect([status, body.length, headers['x-modernjs-render']]).toEqual([200, 32_575, 'server']);
    expect(infoOf(text)).toBeUndefined();
  });

  it('sends a desktop browser on to www, whose page is a challenge', async () => {
    const post = addVideo();
    const { status, headers } = await share(post, { 'user-agent': AGENTS.chrome(150) });
    const location = `https://www.douyin.com/video/${post.id}?previous_page=app_code_link`;
    expect([status, headers.location]).toEqual([302, location]);
    const page = await client.get(location);
    expect([page.body.length, page.cookies.__ac_nonce !== undefined]).toEqual([72_914, true]);
  });

  it('names the reason of a filtered and of an unknown post', async () => {
    const headers = { ...PHONE, cookie: await register() };
    for (const [id, reason] of [
      [add(filteredPost('status_self_see')).id, 'status_self_see'],
      ['7000000000000000041', 'SYSTEM_ITEM_NOT_EXIST'],
    ] as const) {
      const info = infoOf((await share({ id }, headers)).text);
      expect([info?.item_list, info?.filter_list[0]?.filter_reason]).toEqual([[], reason]);
    }
  });

  it('refuses an egress that asks four times too soon', async () => {
    const post = addVideo();
    const headers = { ...PHONE, cookie: await register() };
    const codes: number[] = [];
    for (let turn = 0; turn < 6; turn += 1) codes.push((await share(post, headers)).status);
    expect(codes).toEqual([200, 200, 200, 200, 403, 403]);
    standin.settings.sharePaceMs = 0;
    expect((await share(post, headers)).status).toBe(200);
  });

  it.skipIf(!hasCaptures)('has only paths of the captured ones, with their types', async () => {
    const headers = { ...PHONE, cookie: await register() };
    const pairs: [StandinPost, string, string][] = [
      [addVideo({ desc: 'no tag' }), 'video', 'sources/douyin-share/7602845714967980465.video.html'],
      [addPhotos(), 'note', 'sources/douyin-share/7602258656303155556.note.html'],
    ];
    for (const [post, form, path] of pairs) {
      const ours = routerData((await share(post, headers, form)).text);
      const { invented, mistyped } = compareShapes(ours, routerData(capture(path)));
      expect({ path, invented, mistyped }).toEqual({ path, invented: [], mistyped: [] });
    }
  });
});

describe('the feed', () => {
  const ask = async (id: string) => {
    const { text } = await client.get(`https://aweme.snssdk.com/aweme/v1/feed/?aweme_id=${id}&aid=1128`);
    return (JSON.parse(text) as { aweme_list: Aweme[] }).aweme_list;
  };

  it('has the post among others, in HEVC of at most 720', async () => {
    const post = addVideo();
    const list = await ask(post.id);
    expect(list).toHaveLength(3);
    expect(list[0]?.aweme_id).not.toBe(post.id);
    const own = list.find(({ aweme_id }) => aweme_id === post.id);
    expect(own?.video.bit_rate?.map(({ gear_name }) => gear_name)).toEqual(['adapt_lower_720_1']);
  });

  it('has only others where there is no such post', async () => {
    const list = await ask(add(filteredPost('status_deleted')).id);
    expect(list.map(({ aweme_id }) => aweme_id.slice(0, 2))).toEqual(['74', '74']);
  });
});

describe('files', () => {
  const follow = async (url: string, headers: Record<string, string> = {}) => {
    const { status, headers: told } = await client.get(url);
    expect(status).toBe(302);
    return client.get(String(told.location), headers);
  };

  it('are reached through play with a video id: clean at 720p and 1080p, the upload at default', async () => {
    const post = addVideo();
    const { uri } = (await detail(post)).video.play_addr;
    const play = (ratio: string, headers = REFERER) =>
      follow(`https://aweme.snssdk.com/aweme/v1/play/?video_id=${uri}&ratio=${ratio}`, headers);
    const bytes = (part: 'video' | 'original', index = 0) => standin.media.bytes({ post, part, index });
    expect((await play('720p')).body.equals(bytes('video', 1))).toBe(true);
    expect((await play('1080p')).body.equals(bytes('video', 2))).toBe(true);
    expect((await play('2160p')).body.equals(bytes('video', 2))).toBe(true);
    const upload = await follow(`https://aweme.snssdk.com/aweme/v1/play/?video_id=${uri}&ratio=default`);
    expect(upload.body.equals(bytes('original'))).toBe(true);
    expect((await play('default')).status).toBe(403);
  });

  it('are watermarked through playwm', async () => {
    const post = addVideo();
    const { uri } = (await detail(post)).video.play_addr;
    const file = await follow(
      `https://aweme.snssdk.com/aweme/v1/playwm/?video_id=${uri}&ratio=720p`,
      REFERER,
    );
    expect(file.body.equals(standin.media.bytes({ post, part: 'marked' }))).toBe(true);
  });

  it('want the Referer of www.douyin.com on douyinvod.com, and none elsewhere', async () => {
    const { video } = await detail(addVideo());
    const [vod = '', zj = ''] = video.play_addr.url_list;
    const refused = await client.get(vod, { referer: 'https://www.tiktok.com/' });
    expect([refused.status, refused.headers['x-ccdn-forbid-code']]).toEqual([403, '020200']);
    expect((await client.get(vod)).status).toBe(403);
    expect((await client.get(vod, REFERER)).status).toBe(200);
    expect((await client.get(vod.replace('v3-web.', 'v11-weba.'))).status).toBe(200);
    expect([new URL(zj).hostname, (await client.get(zj)).status]).toEqual(['v5-dy-o-abtest.zjcdn.com', 200]);
  });

  it('lie on idouyinvod.com and 365yg.com too', async () => {
    const post = addVideo({ cdn: 'us' });
    const urls = (await detail(post)).video.play_addr.url_list.slice(0, 2);
    expect(urls.map((url) => new URL(url).hostname)).toEqual([
      'v26-default.365yg.com',
      'v95-web-sz.idouyinvod.com',
    ]);
    for (const url of urls) expect((await client.get(url)).status).toBe(200);
  });
});

describe('short links of Douyin', () => {
  it('lead to the share page, and dead ones to the home page', async () => {
    const post = addPhotos();
    const { url } = standin.shortLinks.add(post);
    const { status, headers } = await client.get(url, PHONE);
    expect(status).toBe(302);
    expect(headers.location).toMatch(new RegExp(`^https://www\\.iesdouyin\\.com/share/note/${post.id}/\\?`));
    const dead = await client.get('https://v.douyin.com/iDeadCode/');
    expect([dead.status, dead.headers.location]).toEqual([302, 'https://www.douyin.com']);
    expect(standin.journal.asked({ source: 'douyin-short' })).toHaveLength(2);
  });
});

import type { ErrorCode } from '../../../src/errors.ts';
import {
  DASH_RENDITIONS,
  filteredPost,
  type PhotoShape,
  type PostRegistry,
  photoPost,
  type StandinPost,
  statusPost,
  TYPICAL_RENDITIONS,
  videoPost,
} from './posts.ts';
import type { RefusalKind } from './refusals.ts';
import type { Elsewhere, ShortLinkOptions, ShortLinks } from './short-links.ts';

/** One thing to try by hand or in a table test. */
export interface Scenario {
  name: string;
  url: string;
  /** What the service is to make of it: a kind of post, or one of its error codes. */
  expect: 'video' | 'photo' | ErrorCode;
}

interface Case {
  name: string;
  expect: Scenario['expect'];
  post: StandinPost;
  /** A short code for it; the scenario's address is then the short one. */
  code?: string;
  link?: Omit<ShortLinkOptions, 'code'>;
  /** Another address than the canonical one. */
  url?: (post: StandinPost) => string;
}

let last = 7_600_000_000_000_000_000n;

/** Scenario ids begin with 76 and count up in the order of this file. */
function id(): string {
  last += 1n;
  return String(last);
}

function video(name: string, options: Parameters<typeof videoPost>[0] = {}): Case {
  return { name, expect: 'video', post: videoPost({ id: id(), user: 'standin', ...options }) };
}

function photos(name: string, options: Parameters<typeof photoPost>[0] = {}): Case {
  return { name, expect: 'photo', post: photoPost({ id: id(), user: 'standin', ...options }) };
}

function failing(name: string, expect: ErrorCode, options: Parameters<typeof videoPost>[0]): Case {
  return { ...video(name, options), expect };
}

function status(code: number, message: string, expect: ErrorCode): Case {
  const post = statusPost(code, message, { id: id(), user: 'standin' });
  return { name: `status ${code} ${message}`.trim(), expect, post };
}

const EVERY_SHAPE: PhotoShape[] = [
  'portrait_1',
  'landscape',
  'odd',
  'tiny',
  'rotated',
  'cmyk',
  'webp',
  'heic',
];
const HARD_TITLE =
  'Emoji 👩‍👩‍👧‍👦🔥 "quotes" \'single\' <b>html</b></script>\nsecond line\tمرحبا بالعالم \u202Etxet\u202C ../../etc/passwd';

const CASES: Case[] = [
  video('video'),
  video('video, title with emoji, quotes, RTL and newlines', { desc: HARD_TITLE, nickname: 'نيك "x"\n😀' }),
  video('video, no title', { desc: '' }),
  video('video, no watermarked file', { download: false }),
  video('video, landscape', { wide: true }),
  video('video, H.264 540p only', { renditions: ['h264_540p'] }),
  video('video, H.265 only', { renditions: ['bytevc1_720p'] }),
  video('video, music as m4a', { music: 'm4a' }),
  video('video, music as mp4', { music: 'mp4' }),
  video('video, MP3 behind the cookie', { music: 'mp3-query' }),
  video('video, licensed MP3', { music: 'mp3-licensed' }),
  video('video, music without a file', { music: '' }),
  video('video, no music at all', { music: null }),
  video('video, no subtitles', { subtitles: [] }),
  video('video, creator captions', {
    subtitles: [{ language: 'eng-US', source: 'LC', format: 'creator_caption' }],
  }),
  video('video on the US CDN (no cookie)', { cdn: 'us' }),
  video('video, 200 MiB', { bigBytes: 200 * 1024 * 1024 }),
  video('video, links live 5 s', { mediaLife: 5 }),
  video('video behind the WAF challenge', { behaviour: 'challenge' }),
  photos('photos, 3'),
  photos('photos, 1', { photos: 1 }),
  photos('photos, 35', { photos: 35 }),
  photos('photos of every shape and type', { photos: EVERY_SHAPE }),
  photos('photos, no music file', { music: '' }),
  photos('photos, no music at all', { music: null }),
  photos('photos, music as m4a', { music: 'm4a' }),
  status(10_204, "item doesn't exist", 'post_not_found'),
  status(10_204, 'item_privacy_authorization&status_deleted', 'post_not_found'),
  status(10_204, 'item_privacy_authorization&status_self_see', 'post_private'),
  status(10_204, 'author_secret', 'post_private'),
  status(10_204, 'cross_border_violation_ur', 'region_blocked'),
  status(10_204, 'person_geo_fencing', 'region_blocked'),
  status(10_204, 'content_classification', 'login_required'),
  status(10_204, 'status_reviewing', 'post_not_found'),
  status(10_204, 'status_audit_not_pass', 'post_not_found'),
  status(10_204, 'copyright_geo_filter', 'region_blocked'),
  status(10_216, '', 'post_private'),
  status(10_222, '', 'post_private'),
  status(10_231, '', 'region_blocked'),
  failing('age gate', 'login_required', { behaviour: 'age-gate' }),
  failing('login wall', 'login_required', {
    behaviour: { refusal: 'login-redirect-with-post', sources: 'all' },
  }),
  failing('challenge that never accepts', 'ip_blocked', {
    behaviour: { refusal: 'challenge-again', sources: 'all' },
  }),
  failing('page in an unknown shape', 'extractor_outdated', { behaviour: 'blind' }),
  failing('renditions in an unknown shape', 'extractor_outdated', { behaviour: 'blind-formats' }),
  failing('HTTP 403', 'ip_blocked', { behaviour: { fault: { kind: 'status', status: 403 } } }),
  failing('HTTP 429', 'ip_blocked', { behaviour: { fault: { kind: 'status', status: 429 } } }),
  failing('HTTP 500', 'upstream_failed', { behaviour: { fault: { kind: 'status', status: 500 } } }),
  failing('connection reset', 'upstream_failed', { behaviour: { fault: { kind: 'reset' } } }),
  failing('never answering', 'timeout', { behaviour: { fault: { kind: 'hang' } } }),
  failing('dripping page', 'timeout', { behaviour: { fault: { kind: 'drip', bytes: 10, everyMs: 500 } } }),
  { ...video('short link'), code: 'ZSvideo01' },
  { ...video('short link, user left out'), code: 'ZSvideo02', link: { form: 'no-user' } },
  { ...video('short link through m.tiktok.com'), code: 'ZSvideo03', link: { form: 'mobile' } },
  { ...video('short link, three hops'), code: 'ZSvideo04', link: { hops: 2 } },
  { ...photos('short link to photos'), code: 'ZSphoto01' },
  video('Douyin video', { platform: 'douyin', desc: '猫咪离家出走千万不要去找它 #养猫人' }),
  photos('Douyin note', { platform: 'douyin', desc: '图文 #日常' }),
  { ...video('Douyin short link', { platform: 'douyin' }), code: 'iJUvGVBP' },
  {
    name: 'Douyin, deleted',
    expect: 'post_not_found',
    post: statusPost(10_204, 'deleted', { id: id(), platform: 'douyin' }),
  },
];

/** Refusals of the page that another source makes good. */
const MADE_GOOD: RefusalKind[] = [
  'maintenance',
  'challenge-again',
  'shell',
  'page-without-post',
  'captcha',
  '403',
  '429',
  '503',
  'login-redirect',
  'login-redirect-with-post',
  '10101',
  '100004',
  'reset',
];

const ELSEWHERE: Elsewhere[] = ['profile', 'live', 'shop', 'sound'];

function douyinFiltered(reason: string, expect: ErrorCode): Case {
  return { name: `Douyin, ${reason}`, expect, post: filteredPost(reason, { id: id(), user: 'standin' }) };
}

/** What only a client with more than one source can make something of. */
const SOURCE_CASES: Case[] = [
  ...MADE_GOOD.map((refusal) => video(`pages refused: ${refusal}`, { behaviour: { refusal } })),
  photos('photos, pages refused: maintenance', { behaviour: { refusal: 'maintenance' } }),
  photos('photos, only the embed page left', {
    behaviour: { refusal: '429', sources: ['page', 'mobile', 'player'] },
  }),
  video('only the mobile page left', {
    behaviour: { refusal: '429', sources: ['page', 'player', 'embed', 'oembed'] },
  }),
  failing('every source refused: maintenance', 'ip_blocked', {
    behaviour: { refusal: 'maintenance', sources: 'all' },
  }),
  video('gone from here, and the player has it', {
    behaviour: { status: 10_204, message: "item doesn't exist", elsewhere: 'public' },
  }),
  video('H.264 ends at 576 pixels, H.265 at 1080', { renditions: TYPICAL_RENDITIONS }),
  { ...video('short link, unresolved for browsers'), code: 'ZSbrows01', link: { unresolved: 'browsers' } },
  {
    ...failing('short link, unresolved for everybody', 'upstream_failed', {}),
    code: 'ZSnobody1',
    link: { unresolved: 'everybody' },
  },
  { ...video('player link'), url: (post) => `https://www.tiktok.com/player/v1/${post.id}` },
  { ...video('share link of the app'), url: (post) => `https://t.tiktok.com/i18n/share/video/${post.id}/` },
  { ...video('short link of lite'), code: 'ZSlite001', url: () => 'https://lite.tiktok.com/t/ZSlite001/' },
  video('Douyin video, DASH beside one muxed file', { platform: 'douyin', renditions: DASH_RENDITIONS }),
  video('Douyin video on other hosts', { platform: 'douyin', cdn: 'us' }),
  photos('Douyin live photos', { platform: 'douyin', live: [0, 2] }),
  {
    ...video('Douyin video in a modal', { platform: 'douyin' }),
    url: (post) => `https://www.douyin.com/jingxuan?modal_id=${post.id}`,
  },
  {
    ...photos('Douyin slides', { platform: 'douyin', live: [0] }),
    url: (post) => `https://www.douyin.com/slides/${post.id}`,
  },
  douyinFiltered('core_dep', 'post_not_found'),
  douyinFiltered('status_self_see', 'post_private'),
];

function urlOfCase(item: Case): string {
  if (item.url !== undefined) return item.url(item.post);
  if (item.code === undefined) return item.post.url;
  return `https://${item.post.platform === 'douyin' ? 'v.douyin.com' : 'vm.tiktok.com'}/${item.code}/`;
}

function scenarioOf(item: Case): Scenario {
  return { name: item.name, url: urlOfCase(item), expect: item.expect };
}

/**
 * Everything that can be tried, with addresses that stay the same. Douyin's need the cookie `s_v_web_id`
 * unless the stand-in was started with `douyinNeedsCookie: false`.
 */
export const SCENARIOS: readonly Scenario[] = [
  ...CASES.map(scenarioOf),
  { name: 'generated video', url: 'https://www.tiktok.com/@any/video/7400000000000000001', expect: 'video' },
  { name: 'generated photos', url: 'https://www.tiktok.com/@any/photo/7300000000000000003', expect: 'photo' },
  { name: 'generated short link', url: 'https://vt.tiktok.com/ZG7400000000000000002/', expect: 'video' },
  { name: 'dead short link', url: 'https://vm.tiktok.com/ZSdead000/', expect: 'post_not_found' },
  {
    name: 'unknown id',
    url: 'https://www.tiktok.com/@any/video/7000000000000000001',
    expect: 'post_not_found',
  },
];

/** What only a client with more than one source can make something of; Douyin's need no cookie. */
export const SOURCE_SCENARIOS: readonly Scenario[] = [
  ...SOURCE_CASES.map(scenarioOf),
  ...ELSEWHERE.map((kind): Scenario => {
    return {
      name: `short link to a ${kind}`,
      url: `https://vm.tiktok.com/ZS${kind}/`,
      expect: 'unsupported_url',
    };
  }),
];

/** Puts the scenarios' posts and codes into a stand-in. */
export function registerScenarios(posts: PostRegistry, shortLinks: ShortLinks): void {
  for (const { post, code, link } of [...CASES, ...SOURCE_CASES]) {
    posts.add({ ...post });
    if (code !== undefined) shortLinks.add(post, { code, ...link });
  }
  for (const kind of ELSEWHERE) shortLinks.addElsewhere(kind, { code: `ZS${kind}` });
}

/** The scenario of that name. */
export function scenario(name: string): Scenario {
  const found = [...SCENARIOS, ...SOURCE_SCENARIOS].find((item) => item.name === name);
  if (found === undefined) throw new Error(`No scenario is called ${name}`);
  return found;
}

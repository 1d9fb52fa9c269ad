import { browserOf } from '../browser.ts';
import { type Answer, type Exchange, html, redirect } from '../delivery.ts';
import { VIDEO_SECONDS } from '../media.ts';
import type { PostRegistry, StandinPost } from '../posts.ts';
import { type Press, pixelsOf, videoIdOf } from '../press.ts';
import { readCookies } from '../signing.ts';
import type { Settings } from '../sources.ts';
import { awemeDetail, shown } from './aweme.ts';
import { FILTER_TEXT, filterOf } from './filter.ts';
import type { Ttwids } from './ttwid.ts';

/** How many share pages too soon after one another an egress may ask for (R27: about four). */
const FAST_LIMIT = 4;
/** Milliseconds for which an egress is refused that asked too fast; how long it really is was not written down. */
const REFUSED_MS = 60_000;

const PATH = /^\/share\/(video|note|slides)\/(\d+)/;

export function postIdOfShare(url: URL): string | null {
  return PATH.exec(url.pathname)?.[2] ?? null;
}

/** Counts share pages by egress: about four faster than every half second, and the address is refused (R27). */
export class SharePace {
  #egresses = new Map<string, { last: number; fast: number; until: number }>();

  isTooFast(egress: string, paceMs: number): boolean {
    const now = Date.now();
    const seen = this.#egresses.get(egress) ?? { last: 0, fast: 0, until: 0 };
    seen.fast = now - seen.last < paceMs ? seen.fast + 1 : 0;
    seen.last = now;
    if (seen.fast >= FAST_LIMIT) seen.until = now + REFUSED_MS;
    this.#egresses.set(egress, seen);
    return now < seen.until;
  }

  clear(): void {
    this.#egresses.clear();
  }
}

/** As the share page writes JSON: "/" too is escaped (captured). */
function embed(value: unknown): string {
  return JSON.stringify(value).replace(/[<>/]/g, (character) => {
    return `\\u00${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}

/** The item of the share page: fewer fields, one address, no gears (captured 2026-02-04). */
function shareItem(press: Press, post: StandinPost) {
  const whole = awemeDetail(press, post, false);
  const { author, music, video, statistics } = whole;
  const { uid: _uid, avatar_larger: _larger, ...face } = author;
  const playUri = post.kind === 'photo' ? (music?.play_url.url_list[0] ?? '') : videoIdOf(post);
  const wm = `https://aweme.snssdk.com/aweme/v1/playwm/?video_id=${playUri}&ratio=720p&line=0`;
  return {
    aweme_id: post.id,
    desc: post.desc,
    create_time: post.createTime,
    author: face,
    music:
      music === null
        ? null
        : {
            mid: music.id_str,
            title: music.title,
            author: music.author,
            cover_large: music.cover_large,
            cover_medium: music.cover_medium,
            cover_thumb: music.cover_thumb,
            duration: music.duration,
            position: null,
            status: 1,
          },
    cha_list: null,
    video: {
      play_addr: { uri: playUri, url_list: [wm] },
      cover: video.cover,
      ...(post.kind === 'photo' ? { width: 720, height: 720 } : pixelsOf(post, 1080)),
      bit_rate: null,
      duration: post.kind === 'photo' ? 0 : VIDEO_SECONDS * 1000,
      big_thumbs: null,
    },
    statistics,
    text_extra: [],
    video_labels: null,
    aweme_type: post.kind === 'photo' ? 2 : 4,
    image_infos: null,
    risk_infos: { warn: false, type: 0, content: '', reflow_unplayable: 0 },
    comment_list: null,
    images:
      whole.images?.map(({ uri, url_list, download_url_list, width, height }) => {
        return { uri, url_list, download_url_list, width, height };
      }) ?? null,
    group_id_str: post.id,
  };
}

/** `key`: which page shows it, `video` or `note`; `info` is left out of a shell. */
function page(key: string, id: string, ua: string, info: object | null): string {
  const data = {
    loaderData: {
      [`${key}_layout`]: null,
      [`${key}_(id)/page`]: {
        ua,
        isSpider: false,
        webId: '',
        query: {},
        renderInSSR: 1,
        lastPath: id,
        appName: 'safari',
        host: 'www.iesdouyin.com',
        isNotSupportWebp: false,
        commonContext: {},
        ...(info === null ? {} : { videoInfoRes: info }),
        itemId: id,
        abParams: {},
      },
    },
    errors: null,
  };
  return (
    '<!doctype html><html><head><meta charset="utf-8"></head><body><div id="root"></div>' +
    `<script nonce="" >window._ROUTER_DATA = ${embed(data)}</script></body></html>`
  );
}

export interface SharePages {
  press: Press;
  posts: PostRegistry;
  ttwids: Ttwids;
  settings: Settings;
  pace: SharePace;
}

/**
 * `/share/video|note|slides/ID`, for phones with a registered ttwid (captured 2025-12 to 2026-02). Without one a
 * shell of 32,575 bytes (since 2026-08-08); a desktop browser is sent on to www.douyin.com (R26, 2026-09).
 */
export function answerShare(pages: SharePages, exchange: Exchange): Answer {
  const { url, headers, entry } = exchange;
  const [, form = 'video', id = ''] = PATH.exec(url.pathname) ?? [];
  if (!browserOf(headers).phone) {
    entry.kind = 'redirect';
    const kind = form === 'note' ? 'note' : 'video';
    return redirect(`https://www.douyin.com/${kind}/${id}?previous_page=app_code_link`);
  }
  const { settings, pace } = pages;
  if (settings.sharePaceMs > 0 && pace.isTooFast(`${entry.proxy} ${entry.identity}`, settings.sharePaceMs)) {
    // The form of this refusal was not written down.
    return html(403, '');
  }
  const ua = headers['user-agent'] ?? '';
  const rendered = { 'x-modernjs-render': 'server' };
  // Photo posts are served under the video page too (several readers).
  const key = form === 'note' ? 'note' : 'video';
  if (form === 'slides' || !pages.ttwids.isValid(readCookies(headers.cookie).get('ttwid'))) {
    const shell = page(key, id, ua, null);
    const filling = '.'.repeat(32_575 - Buffer.byteLength(shell) - 7);
    return html(200, shell.replace('</body>', `<!--${filling}--></body>`), rendered);
  }
  const post = pages.posts.get(id, 'douyin');
  const filter = filterOf(post, 'SYSTEM_ITEM_NOT_EXIST');
  const info = {
    extra: { logid: '', now: Date.now() },
    filter_list: filter === null ? [] : [{ aweme_id: id, filter_reason: filter.reason, ...FILTER_TEXT }],
    is_oversea: 0,
    item_list: post === null || filter !== null ? [] : [shown(post, shareItem(pages.press, post))],
    status_code: 0,
  };
  return html(200, page(key, id, ua, info), rendered);
}

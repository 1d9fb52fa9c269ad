import { type Answer, answer, type Exchange, html } from './delivery.ts';
import type { PostRegistry, StandinPost } from './posts.ts';

/** Where short links lead; each form was seen in real answers. */
export type ShortForm =
  /** `www.tiktok.com/@user/video/ID?_t=…&_r=1`, photo posts with `/photo/`. */
  | 'canonical'
  /** `www.tiktok.com/@/video/ID?_r=1&_d=…`: the user left out. */
  | 'no-user'
  /** `m.tiktok.com/v/ID.html?_d=…`, which leads on to www. */
  | 'mobile';

/** Short links that lead to no post; the login has the address of one in it where a post is given. */
const ELSEWHERE = {
  profile: 'https://www.tiktok.com/@someone?_t=ZT-8tjCjHYitlD&_r=1',
  live: 'https://www.tiktok.com/@someone/live?_t=ZT-8tjCjHYitlD&_r=1',
  shop: 'https://www.tiktok.com/view/product/1729401234567890123?_r=1',
  sound: 'https://www.tiktok.com/music/original-sound-7000000000000000007?_r=1',
  login: 'https://www.tiktok.com/login?lang=en&enter_method=redirect',
} as const;
export type Elsewhere = keyof typeof ELSEWHERE;

export interface ShortLink {
  code: string;
  /** The link on each host that knows TikTok's codes; for Douyin only the first is right. */
  url: string;
  vt: string;
  t: string;
}

interface Target {
  location: string;
  /** Who gets a page in place of the redirect. */
  unresolved: 'nobody' | 'browsers' | 'everybody';
}

export interface ShortLinkOptions {
  code?: string;
  form?: ShortForm;
  /** Short links before this one. */
  hops?: number;
  /**
   * Who gets a page in place of the redirect: clients with a browser's User-Agent (cobalt and gallery-dl send another
   * for that reason), or everybody.
   */
  unresolved?: Target['unresolved'];
}

function targetOf(post: StandinPost, form: ShortForm): string {
  if (post.platform === 'douyin') {
    const share = post.kind === 'photo' ? 'note' : 'video';
    return (
      `https://www.iesdouyin.com/share/${share}/${post.id}/?region=CN&mid=6861139991868017415` +
      '&u_code=icjh10i6&titleType=title&utm_source=copy_link&utm_campaign=client_share&utm_medium=android&app=aweme'
    );
  }
  const track = '_t=ZT-8tjCjHYitlD&_r=1';
  if (form === 'mobile') return `https://m.tiktok.com/v/${post.id}.html?_d=secCgYIASAHKAESMgow&${track}`;
  const user = form === 'no-user' ? '' : post.user;
  const long = `_r=1&_d=secCgYIASAHKAES&checksum=${'0a1b'.repeat(16)}&language=en&preview_pb=0&share_app_id=1233`;
  return `https://www.tiktok.com/@${user}/${post.kind}/${post.id}?${form === 'no-user' ? long : track}`;
}

/** The short codes. A dead one leads to the home page, as on the real sites. */
export class ShortLinks {
  #targets = new Map<string, Target>();
  #posts: PostRegistry;
  #sequence = 0;

  constructor(posts: PostRegistry) {
    this.#posts = posts;
  }

  /** A code for a post, or for any address. */
  add(target: StandinPost | string, options: ShortLinkOptions = {}): ShortLink {
    let location = typeof target === 'string' ? target : targetOf(target, options.form ?? 'canonical');
    const douyin = typeof target === 'object' && target.platform === 'douyin';
    const unresolved = options.unresolved ?? 'nobody';
    for (let hop = options.hops ?? 0; hop > 0; hop -= 1) {
      const code = this.#nextCode();
      this.#targets.set(code, { location, unresolved });
      location = `https://vt.tiktok.com/${code}/`;
    }
    const code = options.code ?? this.#nextCode();
    this.#targets.set(code, { location, unresolved });
    return {
      code,
      url: `https://${douyin ? 'v.douyin.com' : 'vm.tiktok.com'}/${code}/`,
      vt: `https://vt.tiktok.com/${code}/`,
      t: `https://www.tiktok.com/t/${code}/`,
    };
  }

  /** A code that leads to a profile, a live stream, a shop, a sound, or the login (with the post's address in it). */
  addElsewhere(kind: Elsewhere, { post, code }: { post?: StandinPost; code?: string } = {}): ShortLink {
    const back = post === undefined ? '' : `&redirect_url=${encodeURIComponent(post.url)}`;
    return this.add(`${ELSEWHERE[kind]}${back}`, code === undefined ? {} : { code });
  }

  /** `ZG` and an id stands for that post, registered or generated: load tests need no registration. */
  #target(code: string, douyin: boolean): Target {
    const known = this.#targets.get(code);
    if (known !== undefined) return known;
    const post = /^ZG\d{19}$/.test(code)
      ? this.#posts.get(code.slice(2), douyin ? 'douyin' : undefined)
      : null;
    const home = douyin ? 'https://www.douyin.com' : 'https://www.tiktok.com/?_r=1';
    return { location: post === null ? home : targetOf(post, 'canonical'), unresolved: 'nobody' };
  }

  #nextCode(): string {
    this.#sequence += 1;
    return `ZS${this.#sequence.toString(36).padStart(7, 'x')}`;
  }

  answer(exchange: Exchange): Answer {
    const { headers, host, url } = exchange;
    const douyin = host.endsWith('douyin.com');
    const { location, unresolved } = this.#target(
      url.pathname.replace(/^\/t\//, '/').split('/')[1] ?? '',
      douyin,
    );
    const browser = /^Mozilla\/5\.0 .*(?:Chrome|Safari|Firefox)\//.test(headers['user-agent'] ?? '');
    if (unresolved === 'everybody' || (unresolved === 'browsers' && browser)) {
      return html(200, '<!DOCTYPE html><html><head><title>TikTok</title></head><body></body></html>');
    }
    const [status, title] = douyin ? [302, 'Found'] : [301, 'Moved Permanently'];
    const body = `<a href="${location.replaceAll('&', '&amp;')}">${title}</a>.\n\n`;
    return answer(status, body, { location, 'content-type': 'text/html; charset=utf-8' });
  }
}

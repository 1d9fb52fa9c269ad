import { type Answer, answer, type Exchange } from './delivery.ts';
import type { PostRegistry, StandinPost } from './posts.ts';

/** Where short links lead; each form was seen in real answers. */
export type ShortForm =
  /** `www.tiktok.com/@user/video/ID?_t=…&_r=1`, photo posts with `/photo/`. */
  | 'canonical'
  /** `www.tiktok.com/@/video/ID?_r=1&_d=…`: the user left out. */
  | 'no-user'
  /** `m.tiktok.com/v/ID.html?_d=…`, which leads on to www. */
  | 'mobile';

export interface ShortLink {
  code: string;
  /** The link on each host that knows TikTok's codes; for Douyin only the first is right. */
  url: string;
  vt: string;
  t: string;
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

/** The short codes. A dead one leads to the front page, as on the real site. */
export class ShortLinks {
  #targets = new Map<string, string>();
  #posts: PostRegistry;
  #sequence = 0;

  constructor(posts: PostRegistry) {
    this.#posts = posts;
  }

  /** A code for a post, or for any address; `hops` more codes are put before it. */
  add(
    target: StandinPost | string,
    options: { code?: string; form?: ShortForm; hops?: number } = {},
  ): ShortLink {
    let location = typeof target === 'string' ? target : targetOf(target, options.form ?? 'canonical');
    const douyin = typeof target === 'object' && target.platform === 'douyin';
    for (let hop = options.hops ?? 0; hop > 0; hop -= 1) {
      const code = this.#nextCode();
      this.#targets.set(code, location);
      location = `https://vt.tiktok.com/${code}/`;
    }
    const code = options.code ?? this.#nextCode();
    this.#targets.set(code, location);
    return {
      code,
      url: `https://${douyin ? 'v.douyin.com' : 'vm.tiktok.com'}/${code}/`,
      vt: `https://vt.tiktok.com/${code}/`,
      t: `https://www.tiktok.com/t/${code}/`,
    };
  }

  /** `ZG` and an id stands for that post, registered or generated: load tests need no registration. */
  #target(code: string): string {
    const known = this.#targets.get(code);
    if (known !== undefined) return known;
    const post = /^ZG\d{19}$/.test(code) ? this.#posts.get(code.slice(2)) : null;
    return post === null ? 'https://www.tiktok.com/?_r=1' : targetOf(post, 'canonical');
  }

  #nextCode(): string {
    this.#sequence += 1;
    return `ZS${this.#sequence.toString(36).padStart(7, 'x')}`;
  }

  answer(exchange: Exchange): Answer {
    const code = exchange.url.pathname.replace(/^\/t\//, '/').split('/')[1] ?? '';
    const location = this.#target(code);
    const body = `<a href="${location.replaceAll('&', '&amp;')}">Moved Permanently</a>.\n\n`;
    const douyin = exchange.host.endsWith('douyin.com');
    return answer(douyin ? 302 : 301, body, { location, 'content-type': 'text/html; charset=utf-8' });
  }
}

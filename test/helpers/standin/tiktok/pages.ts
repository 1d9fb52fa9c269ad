import type { StandinPost } from '../posts.ts';
import type { Press } from '../press.ts';
import { itemStruct } from './item.ts';
import { reflowDetail } from './reflow.ts';

/** As the real site's serialiser does: nothing in the JSON can end the script element. */
export function jsonForScript(value: unknown): string {
  return JSON.stringify(value).replace(/[<>/\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
  });
}

const REFLOW_SCOPES =
  '"webapp.reflow.global.uiStrategy.common":{"status_code":0,"strategies":[]},' +
  '"webapp.reflow.global.shareUser":{"statusCode":0,"statusMsg":""},';
const STATIC = 'https://sf16-website-login.neutral.ttwstatic.com/obj/tiktok_web_login_static';

function head(bytes: number): string {
  const start =
    '<!DOCTYPE html><html lang="en" dir="ltr"><head><meta charset="UTF-8"><meta name="viewport" ' +
    'content="width=device-width,initial-scale=1"><title>TikTok - Make Your Day</title>';
  let links = '';
  for (let index = 0; start.length + links.length < bytes; index += 1) {
    const chunk = `npm-chunk-${index}.${(index * 7919 + 104_729).toString(16)}.js`;
    links += `<link data-chunk="webapp-desktop" rel="preload" as="script" href="${STATIC}/tiktok/webapp/main/webapp-desktop/${chunk}">`;
  }
  return `${start}${links}</head><body><div id="app"></div>`;
}

/** Scopes beside the post's, as long as asked: settings, navigation and the site's translations. */
function otherScopes(bytes: number): Record<string, unknown> {
  const words = 'Which issues did you find with the recent search history that can’t be seen'.split(' ');
  const translations: Record<string, string> = {};
  for (let index = 0, size = 0; size < bytes * 0.72; index += 1) {
    const text = Array.from({ length: 4 + (index % 9) }, (_, at) => words[(index + at * 5) % words.length]);
    const sentence = `${text.join(' ')} ${index}`;
    translations[`web_text_key_${index}`] = sentence;
    size += sentence.length + 26;
  }
  const parameters: Record<string, unknown> = {};
  for (let index = 0, size = 0; size < bytes * 0.08; index += 1) {
    parameters[`experiment_${index}`] = { vid: `v${index % 5}` };
    size += 34;
  }
  const navigation: unknown[] = [];
  for (let index = 0, size = 0; size < bytes * 0.2; index += 1) {
    const href = `https://www.tiktok.com/section/${index}?lang=en`;
    navigation.push({ title: `Entry ${index}`, href, children: [], visible: index % 3 === 0 });
    size += 120;
  }
  return {
    'webapp.app-context': {
      language: 'en',
      region: 'VN',
      appId: 1180,
      appType: 't',
      wid: '7000000000000000000',
      botType: 'others',
      abTestVersion: { versionName: '70508271,73485602', parameters },
      user: null,
    },
    'webapp.biz-context': { os: 'windows', isMobile: false, jumpType: 't', navList: navigation },
    'webapp.i18n-translation': { Webapp: translations },
  };
}

/** Pages of a post. The part that is the same for all is made once; only the item is written each time. */
export class PagePrinter {
  #press: Press;
  #before: Buffer;
  #after = Buffer.from(
    `,"webapp.a-b":{"b_c":"9"}}}</script><script async="" src="${STATIC}/runtime.js"></script></body></html>`,
  );
  #head: string;

  /** `bytes`: size of a page without its item. */
  constructor(press: Press, bytes: number) {
    this.#press = press;
    this.#head = head(bytes * 0.13);
    const scopes = jsonForScript(otherScopes(bytes * 0.87)).slice(0, -1);
    const open = '<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">';
    this.#before = Buffer.from(`${this.#head}${open}{"__DEFAULT_SCOPE__":${scopes},`);
  }

  #print(scope: string): Buffer[] {
    return [this.#before, Buffer.from(scope), this.#after];
  }

  #seo(url: string): string {
    const parameters = { clientABVersions: { '73675307': '73675307' } };
    return `"seo.abtest":${jsonForScript({ canonical: url, pageId: '570078184554763901', parameters })}`;
  }

  /** The page with the post in it; `scope` and `item` make the shapes that nobody can read. */
  post(post: StandinPost, token: string, options: { scope?: string; item?: object } = {}): Buffer[] {
    const item = { ...itemStruct(this.#press, post, token), ...options.item };
    const detail = {
      itemInfo: { itemStruct: item },
      shareMeta: { title: `${post.nickname} on TikTok`, desc: post.desc },
      statusCode: 0,
      statusMsg: '',
    };
    return this.#print(
      `${this.#seo(post.url)},${JSON.stringify(options.scope ?? 'webapp.video-detail')}:${jsonForScript(detail)}`,
    );
  }

  /** The age gate: an item without its video. */
  ageGate(post: StandinPost, phone: boolean): Buffer[] {
    const itemStruct = {
      id: post.id,
      desc: '',
      createTime: String(post.createTime),
      author: { uniqueId: post.user },
      isContentClassified: true,
      ContentClassificationReason: 209_007,
    };
    if (phone) return this.#reflow({ statusCode: 0, statusMessage: '', itemInfo: { itemStruct } });
    const detail = { itemInfo: { itemStruct }, statusCode: 0, statusMsg: '' };
    return this.#print(`${this.#seo(post.url)},"webapp.video-detail":${jsonForScript(detail)}`);
  }

  /** A status in place of the post. */
  status(url: string, statusCode: number, message: string, phone: boolean): Buffer[] {
    if (phone) return this.#reflow({ statusCode, statusMessage: message });
    const detail = jsonForScript({ statusCode, statusMsg: message });
    return this.#print(`${this.#seo(url)},"webapp.video-detail":${detail}`);
  }

  /** Universal data without the post's scope: every desktop /photo/ page, and one kind of refusal. */
  withoutPost(url: string): Buffer[] {
    return this.#print(this.#seo(url));
  }

  /** The page that a phone gets. */
  mobile(
    post: StandinPost,
    token: string,
    options: { form: 'scope' | 'api-data'; scope?: string },
  ): Buffer[] {
    const detail = reflowDetail(this.#press, post, token);
    if (options.form === 'scope') return this.#reflow(detail, options.scope);
    const data = jsonForScript({ videoDetail: detail });
    return [
      ...this.#print(REFLOW_SCOPES.slice(0, -1)).slice(0, -1),
      Buffer.from(`}}</script><script id="api-data" type="application/json">${data}</script></body></html>`),
    ];
  }

  /** Scopes of the reflow page around one detail (captured 2026-01-31). */
  #reflow(detail: object, scope = 'webapp.reflow.video.detail'): Buffer[] {
    return this.#print(`${REFLOW_SCOPES}${JSON.stringify(scope)}:${jsonForScript(detail)}`);
  }

  /**
   * 200 without universal data, which only a browser could fill. 11 KB on desktop
   * (yt-dlp#17393), 66,991 bytes on phones (captured 2026-01-31).
   */
  shell(phone: boolean): Buffer[] {
    const start =
      '<!doctype html><html><head><meta charset="UTF-8"><title>TikTok</title>' +
      '<script id="pumbaa-rule" type="application/json">{"_r":"';
    const end =
      '"}</script><script id="tiktok-environment" type="application/json">{"env":"production"}</script>' +
      `<script id="api-domains" type="application/json">{}</script><script defer="defer" src="${STATIC}/runtime.js">` +
      '</script></head><body><div id="app"></div></body></html>';
    const bytes = phone ? 66_991 : 11_000;
    return [Buffer.from(start + 'eyJj'.repeat((bytes - start.length - end.length) / 4) + end)];
  }
}

import type { OutgoingHttpHeaders } from 'node:http';
import { type Addresses, refOfFileId } from '../addresses.ts';
import { browserOf } from '../browser.ts';
import { type Answer, answer, type Exchange, html, redirect } from '../delivery.ts';
import type { PostRegistry, StandinPost } from '../posts.ts';
import type { Press } from '../press.ts';
import { readCookies, type Signer } from '../signing.ts';
import type { Settings, Source } from '../sources.ts';
import type { Challenge } from './challenge.ts';
import { embedPage } from './embed.ts';
import { answerOembed, postIdOfOembed } from './oembed.ts';
import type { PagePrinter } from './pages.ts';
import { answerPlayer } from './player.ts';

export interface Site {
  press: Press;
  posts: PostRegistry;
  printer: PagePrinter;
  challenge: Challenge;
  signer: Signer;
  addresses: Addresses;
  settings: Settings;
  /** Whether a page request must look like a browser's to get more than the shell. */
  browsersOnly: boolean;
  /** Whether every page is behind the WAF's challenge. */
  challengeAll: boolean;
}

const PLAYER = '/player/api/v1/items';
const POST =
  /^\/(?:@[^/]*\/(?:video|photo)|(?:i18n\/)?share\/(?:video|photo)|video|v|embed(?:\/v2)?|player\/v1)\/(\d{5,20})(?:\.html)?\/?$/;

/** The id in any of the forms that a post's address has on TikTok, and in the questions of its APIs. */
export function postIdOfSite(url: URL): string | null {
  if (url.pathname === '/aweme/v1/play/') return url.searchParams.get('item_id');
  if (url.pathname === PLAYER) return /^\d{5,20}/.exec(url.searchParams.get('item_ids') ?? '')?.[0] ?? null;
  if (url.pathname === '/oembed') return postIdOfOembed(url);
  return POST.exec(url.pathname)?.[1] ?? null;
}

/** Which source a request to TikTok's site is for; a phone's User-Agent makes a page the mobile one. */
export function sourceOfSite(url: URL, headers: Record<string, string>): Source {
  if (url.pathname === '/aweme/v1/play/') return 'play';
  if (url.pathname === PLAYER) return 'player';
  if (url.pathname === '/oembed') return 'oembed';
  if (postIdOfSite(url) === null) return 'other';
  if (/^\/(?:embed|player)\//.test(url.pathname)) return 'embed';
  return browserOf(headers).phone ? 'mobile' : 'page';
}

/** What can be seen of impersonation without looking into TLS: Chrome sends its client hints, all a language. */
function looksLikeBrowser(headers: Record<string, string>): boolean {
  const agent = headers['user-agent'] ?? '';
  if (!/^Mozilla\/5\.0 .*(?:Chrome|Safari|Firefox)\//.test(agent) || !('accept-language' in headers))
    return false;
  return !agent.includes('Chrome/') || 'sec-ch-ua' in headers;
}

/** The client's `tt_chain_token`: its own where this stand-in gave it, else a new one. */
function clientToken(site: Site, headers: Record<string, string>): { token: string; isNew: boolean } {
  const own = readCookies(headers.cookie).get('tt_chain_token');
  if (own !== undefined && site.signer.isIssued(own)) return { token: own, isNew: false };
  return { token: site.signer.issueToken(), isNew: true };
}

function pageBody(site: Site, post: StandinPost | null, token: string, exchange: Exchange, phone: boolean) {
  const { printer, settings } = site;
  if (post === null) return printer.status(exchange.url.href, 10_204, "item doesn't exist", phone);
  const { behaviour } = post;
  if (behaviour === 'age-gate') return printer.ageGate(post, phone);
  if (typeof behaviour === 'object' && 'status' in behaviour) {
    return printer.status(post.url, behaviour.status, behaviour.message, phone);
  }
  if (phone) {
    const scope = behaviour === 'blind' ? 'webapp.reflow.video.detail-next' : undefined;
    const seen: StandinPost =
      behaviour === 'blind-formats' ? { ...post, behaviour: 'ad', music: null } : post;
    return printer.mobile(seen, token, { form: settings.mobileForm, ...(scope && { scope }) });
  }
  if (exchange.url.pathname.includes('/photo/')) return printer.withoutPost(post.url);
  if (behaviour === 'blind') return printer.post(post, token, { scope: 'webapp.video-detail-next' });
  if (behaviour === 'blind-formats') {
    return printer.post(post, token, { item: { video: { id: post.id, duration: 4, renditions: [] } } });
  }
  return printer.post(post, token);
}

function postPage(site: Site, id: string, exchange: Exchange, phone: boolean): Answer {
  const post = site.posts.get(id, 'tiktok');
  const cookies = readCookies(exchange.headers.cookie);
  const guarded = site.challengeAll || post?.behaviour === 'challenge';
  if (guarded && !site.challenge.isSolved(cookies)) {
    return html(200, site.challenge.page(), { 'x-tt-system-error': '3' });
  }
  if (site.browsersOnly && !looksLikeBrowser(exchange.headers)) return html(200, site.printer.shell(phone));
  const { token, isNew } = clientToken(site, exchange.headers);
  const set = [
    `ttwid=1%7C${token.replace(/\W/g, '')}%7C1; Path=/; Domain=tiktok.com; Max-Age=31536000; HttpOnly`,
  ];
  if (isNew) {
    const age = 'Max-Age=15552000; HttpOnly; Secure; SameSite=None';
    set.push(`tt_chain_token=${token}; Path=/; Domain=tiktok.com; ${age}`);
  }
  const headers: OutgoingHttpHeaders = {
    'set-cookie': set,
    'cache-control': 'max-age=0, no-cache, no-store',
  };
  return html(200, pageBody(site, post, token, exchange, phone), headers);
}

/** The third mirror: on to the CDN with a link for the cookie that asks; the API hosts want none. */
function playAnswer(site: Site, exchange: Exchange): Answer {
  const ref = refOfFileId(exchange.url.searchParams.get('file_id') ?? '');
  const token = readCookies(exchange.headers.cookie).get('tt_chain_token');
  if (ref === null) return answer(404, '');
  const life = site.posts.get(ref.postId)?.mediaLife ?? 3600;
  if (!exchange.host.endsWith('.tiktok.com')) {
    return redirect(`https://v16m.tiktokcdn-eu.com${site.addresses.path(ref, life, 'video_mp4')}`);
  }
  if (token === undefined || !site.signer.isIssued(token)) {
    exchange.entry.refusal = token === undefined ? 'no-cookie' : 'other-cookie';
    return answer(403, '');
  }
  return redirect(`https://v16-webapp-prime.tiktok.com${site.addresses.prime(ref, token, life)}`);
}

/** Pages that are not a post's; the words are all that was written down of the two countries' (2022 to 2026). */
function otherPage(site: Site, url: URL): Answer {
  if (url.pathname === '/hk/notfound') {
    return html(
      200,
      '<html><body>TikTok has discontinued operating its services in Hong Kong.</body></html>',
    );
  }
  if (url.pathname === '/in/about') {
    const text = 'On June 29, 2020 the Govt. of India decided to block 59 apps, including TikTok.';
    return html(200, `<html><body>${text}</body></html>`);
  }
  const known = /^\/(?:$|login|@[^/]+(?:\/live)?\/?$|music\/|view\/|shop\/)/.test(url.pathname);
  return html(known ? 200 : 404, site.printer.shell(false));
}

/** www.tiktok.com and its siblings, for one source. */
export function answerSite(site: Site, source: Source, exchange: Exchange): Answer {
  const { url, host, entry } = exchange;
  if (source === 'player' || source === 'oembed') entry.kind = 'api';
  if (source === 'player') return answerPlayer(site.press, site.posts, site.settings, exchange);
  if (source === 'oembed') return answerOembed(site.press, site.posts, exchange);
  if (source === 'play') {
    entry.kind = 'redirect';
    return playAnswer(site, exchange);
  }
  const id = postIdOfSite(url);
  if (id === null) return otherPage(site, url);
  if (source === 'embed') return embedPage(site.press, id, site.posts.get(id, 'tiktok'), site.settings);
  if (!/^\/@[^/]*\/(?:video|photo)\//.test(url.pathname) || host !== 'www.tiktok.com') {
    entry.kind = 'redirect';
    const post = site.posts.get(id, 'tiktok');
    return redirect(`https://www.tiktok.com/@${post?.user ?? ''}/${post?.kind ?? 'video'}/${id}`, 301);
  }
  return postPage(site, id, exchange, source === 'mobile');
}

import type { OutgoingHttpHeaders } from 'node:http';
import { type Addresses, refOfFileId } from './addresses.ts';
import type { Challenge } from './challenge.ts';
import { type Answer, answer, type Exchange, html, redirect } from './delivery.ts';
import type { Fault } from './faults.ts';
import type { PagePrinter } from './pages.ts';
import type { PostRegistry, StandinPost } from './posts.ts';
import { readCookies, type Signer } from './signing.ts';

interface Site {
  posts: PostRegistry;
  printer: PagePrinter;
  challenge: Challenge;
  signer: Signer;
  addresses: Addresses;
  /** Whether a page request must look like a browser's to get more than the empty shell. */
  browsersOnly: boolean;
  /** Whether every page is behind the WAF's challenge. */
  challengeAll: boolean;
}

/** The id in any of the forms that a post's address has on TikTok. */
export function postIdOfSite(url: URL): string | null {
  const play = url.searchParams.get('item_id');
  if (url.pathname === '/aweme/v1/play/') return play;
  const form = /^\/(?:@[^/]*\/(?:video|photo)|(?:share\/)?video|v|embed(?:\/v2)?)\/(\d{5,20})(?:\.html)?\/?$/;
  return form.exec(url.pathname)?.[1] ?? null;
}

/** The fault that a post's own behaviour is; a fault set by a test goes before it. */
export function faultOfPost(post: StandinPost | null): Fault | null {
  const behaviour = post?.behaviour;
  return typeof behaviour === 'object' && 'fault' in behaviour ? behaviour.fault : null;
}

/** What can be seen of impersonation without looking into TLS: Chrome sends its client hints, all a language. */
function looksLikeBrowser(headers: Record<string, string>): boolean {
  const agent = headers['user-agent'] ?? '';
  if (!/^Mozilla\/5\.0 .*(?:Chrome|Safari|Firefox)\//.test(agent) || !('accept-language' in headers))
    return false;
  return !agent.includes('Chrome/') || 'sec-ch-ua' in headers;
}

/** The visitor's `tt_chain_token`: his own where this stand-in gave it to him, else a new one. */
function visitorToken(site: Site, headers: Record<string, string>): { token: string; isNew: boolean } {
  const own = readCookies(headers.cookie).get('tt_chain_token');
  if (own !== undefined && site.signer.isIssued(own)) return { token: own, isNew: false };
  return { token: site.signer.issueToken(), isNew: true };
}

function pageBody(site: Site, post: StandinPost, token: string, exchange: Exchange): Buffer[] {
  const { printer } = site;
  const { behaviour } = post;
  if (behaviour === 'age-gate') return printer.ageGate(post);
  if (behaviour === 'shell') return printer.shell();
  if (behaviour === 'blind') return printer.post(post, token, { scope: 'webapp.video-detail-next' });
  if (behaviour === 'blind-formats') {
    return printer.post(post, token, { item: { video: { id: post.id, duration: 4, renditions: [] } } });
  }
  if (typeof behaviour === 'object' && 'status' in behaviour) {
    return printer.status(post.url, behaviour.status, behaviour.message);
  }
  if (exchange.url.pathname.includes('/photo/')) return printer.photoAddress(post.url);
  return printer.post(post, token);
}

function postPage(site: Site, id: string, exchange: Exchange): Answer {
  const post = site.posts.get(id, 'tiktok');
  const cookies = readCookies(exchange.headers.cookie);
  const guarded = site.challengeAll || post?.behaviour === 'challenge';
  if (post?.behaviour === 'challenge-forever') {
    site.challenge.isSolved(cookies);
    return html(200, site.challenge.page());
  }
  if (guarded && !site.challenge.isSolved(cookies)) return html(200, site.challenge.page());
  if (site.browsersOnly && !looksLikeBrowser(exchange.headers)) return html(200, site.printer.shell());
  if (post?.behaviour === 'login') {
    const back = encodeURIComponent(exchange.url.href);
    return redirect(`https://www.tiktok.com/login?lang=en&redirect_url=${back}&enter_method=redirect`);
  }
  const { token, isNew } = visitorToken(site, exchange.headers);
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
  const body =
    post === null
      ? site.printer.status(exchange.url.href, 10_204, "item doesn't exist")
      : pageBody(site, post, token, exchange);
  return html(200, body, headers);
}

/** The third mirror: on to the CDN with a link for the cookie that asks. */
function playAnswer(site: Site, exchange: Exchange): Answer {
  const ref = refOfFileId(exchange.url.searchParams.get('file_id') ?? '');
  const token = readCookies(exchange.headers.cookie).get('tt_chain_token');
  if (ref === null) return answer(404, '');
  if (token === undefined || !site.signer.isIssued(token)) {
    exchange.entry.refusal = token === undefined ? 'no-cookie' : 'other-cookie';
    return answer(403, '');
  }
  const life = site.posts.get(ref.postId)?.mediaLife ?? 3600;
  return redirect(`https://v16-webapp-prime.tiktok.com${site.addresses.prime(ref, token, life)}`);
}

/** www.tiktok.com and its siblings. */
export function answerSite(site: Site, exchange: Exchange): Answer {
  const { url, host } = exchange;
  if (url.pathname === '/aweme/v1/play/') {
    exchange.entry.kind = 'redirect';
    return playAnswer(site, exchange);
  }
  if (url.pathname.startsWith('/login')) return html(200, site.printer.shell());
  const id = postIdOfSite(url);
  if (id === null) return html(url.pathname === '/' ? 200 : 404, site.printer.shell());
  const canonical = /^\/@[^/]*\/(?:video|photo)\//.test(url.pathname) && host === 'www.tiktok.com';
  if (!canonical && !url.pathname.startsWith('/embed/')) {
    exchange.entry.kind = 'redirect';
    const post = site.posts.get(id, 'tiktok');
    return redirect(`https://www.tiktok.com/@${post?.user ?? ''}/${post?.kind ?? 'video'}/${id}`, 301);
  }
  exchange.entry.kind = 'page';
  return postPage(site, id, exchange);
}

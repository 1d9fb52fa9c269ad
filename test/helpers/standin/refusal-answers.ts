import { type Answer, answer, type Exchange, html, redirect } from './delivery.ts';
import type { Fault } from './faults.ts';
import type { RefusalKind } from './refusals.ts';
import { readCookies } from './signing.ts';
import type { Source } from './sources.ts';
import type { Challenge } from './tiktok/challenge.ts';
import type { PagePrinter } from './tiktok/pages.ts';

export interface Refuser {
  printer: PagePrinter;
  challenge: Challenge;
}

const TT_ERROR = { 'x-tt-system-error': '3' };
const ARGUS = ['Uifid Not Found', 'Signature Not Found', 'Validate Error', 'Sign Invalid'];

/** Text made as long as the record says, with a comment at its end. */
function padded(text: string, bytes: number): string {
  const room = bytes - Buffer.byteLength(text) - 7;
  return room > 0 ? `${text}<!--${'.'.repeat(room)}-->` : text;
}

/** Some 600 bytes, "Site Maintenance" (yt-dlp#17403, yt-dlp PR 15644; size and words only). */
function maintenance(): Answer {
  const text =
    '<!DOCTYPE html><html><head><title>Site Maintenance</title></head><body><h1>Site Under Maintenance</h1>' +
    '<p>We are working on it. Please come back later.</p></body></html>';
  return html(200, padded(text, 600), TT_ERROR);
}

/** The captcha of the shop's edge (captured 2026-04-15), and Douyin's of about 6 KB (title and size). */
function captcha(source: Source): Answer {
  if (source.startsWith('douyin')) {
    const title = '<!DOCTYPE html><html><head><meta charset="utf-8"><title>验证码中间页</title></head>';
    return html(200, padded(`${title}<body></body></html>`, 6000));
  }
  const loader =
    'https://lf16-cdn-tos.tiktokcdn-us.com/obj/static-tx/oec-ttweb-captcha/loader/ttp/2.0.0.19/captcha/index.js';
  const head = `<html>\n<head>\n<meta charset="utf-8">\n<title>Security Check</title>\n<script charset="utf-8" src="${loader}"></script>`;
  return html(200, padded(`${head}\n</head>\n<body></body></html>`, 5546));
}

/** `/login` with or without the address that was asked for; no Location of it was ever captured. */
function login(exchange: Exchange, withPost: boolean): Answer {
  const back = withPost ? `&redirect_url=${encodeURIComponent(exchange.url.href)}` : '';
  return redirect(`https://www.tiktok.com/login?lang=en${back}&enter_method=redirect`);
}

/** 72,914 bytes with `byted_acrawler.sign` and the cookie `__ac_nonce` (captured 2026-01-31). */
export function jsChallenge(): Answer {
  const script = '<script>window.byted_acrawler&&window.byted_acrawler.sign("",__ac_nonce)</script>';
  const text = `<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>${script}</body></html>`;
  return html(200, padded(text, 72_914), {
    'set-cookie': '__ac_nonce=069b1c2d300a1b2c3d4e5; Path=/; Max-Age=1800',
  });
}

function text(status: number, body: string, headers: Record<string, string> = {}): Answer {
  return answer(status, body, { 'content-type': 'text/plain; charset=utf-8', ...headers });
}

/** What a refused request gets: an answer, or a fault of the connection. */
export function refusalAnswer(
  refuser: Refuser,
  kind: RefusalKind,
  source: Source,
  exchange: Exchange,
): Answer | Fault {
  const { printer } = refuser;
  const json = { 'content-type': 'application/json; charset=utf-8' };
  switch (kind) {
    case 'maintenance':
      return maintenance();
    // However right the answer to the one before.
    case 'challenge-again':
      refuser.challenge.isSolved(readCookies(exchange.headers.cookie));
      return html(200, refuser.challenge.page(), TT_ERROR);
    // 11 KB on desktop (yt-dlp#17393), 66,991 bytes on phones (captured 2026-01-31).
    case 'shell':
      return html(200, printer.shell(source === 'mobile'));
    // The shape of a desktop /photo/ page (captured): universal data without the post's scope.
    case 'page-without-post':
      return html(200, printer.withoutPost(exchange.url.href));
    case 'captcha':
      return captcha(source);
    // gallery-dl#9643 (2026-07), status only.
    case '403':
      return html(403, '<html><head><title>Access Denied</title></head><body>Access Denied</body></html>');
    // Words of the app API and of oEmbed (2026-10-06).
    case '429':
      return text(429, 'ratelimit triggered', { server: 'TLB' });
    // www.douyin.com (two readers, 2026): 115 bytes.
    case '444':
      return answer(444, 'Access Denied\nX-TT-System-Error: 3\n'.padEnd(115, ' '), TT_ERROR);
    // The embed page on half of the requests since 2026-09-24.
    case '503':
      return text(503, 'overload-protect triggered', { server: 'TLB' });
    case 'login-redirect':
      return login(exchange, false);
    case 'login-redirect-with-post':
      return login(exchange, true);
    // Final addresses by nine readers (Hong Kong) and by four (India).
    case 'country-hk':
      return redirect('https://www.tiktok.com/hk/notfound');
    case 'country-in':
      return redirect('https://www.tiktok.com/in/about');
    case '10101':
    case '100004':
      return html(200, printer.status(exchange.url.href, Number(kind), '', source === 'mobile'));
    // One reader's test of the player API.
    case 'api_busy': {
      const id = exchange.url.searchParams.get('item_ids') ?? '';
      const results = [{ code: 'api_busy', id_str: id }];
      return answer(200, JSON.stringify({ items: [], results, status_code: 0, status_msg: '' }), json);
    }
    // The app API unsigned (captured 2026-08).
    case 'empty-200':
      return answer(200, '', { ...json, ...(source.startsWith('douyin') ? {} : { tt_orcas_res: '1' }) });
    // 2,397 bytes for every User-Agent, minutes later fine (another ByteDance site, 2026-08-05).
    case 'error-page':
      return html(
        200,
        padded('<html><head><title>Error</title></head><body>Error</body></html>', 2397),
        TT_ERROR,
      );
    // Plain text (four readers, 2026-08 to 10); which of the four depends on the address.
    case 'argus':
      return text(403, `Blocked by ArgusSecurityPlugin ${ARGUS[exchange.entry.proxy % ARGUS.length]}`);
    case 'js-challenge':
      return jsChallenge();
    case 'timeout':
      return { kind: 'hang' };
    case 'reset':
      return { kind: 'reset' };
  }
}

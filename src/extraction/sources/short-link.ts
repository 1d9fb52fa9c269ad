import type { ErrorCode } from '../../errors.ts';
import { explainUnsupported } from '../../posts/unsupported-url.ts';
import type { PostLink } from '../../posts/url.ts';
import { parsePostUrl } from '../../posts/url.ts';
import type { Job, Reply, ResponseFacts } from '../protocol.ts';
import { refusalOf } from './refusal.ts';

type ShortLink = Extract<PostLink, { kind: 'short' }>;
type Send = (job: Omit<Job, 'id' | 'timeout' | 'proxy'>) => Promise<Reply>;

export type Resolved =
  | { ok: true; link: Extract<PostLink, { kind: 'post' }> }
  | { ok: false; code: ErrorCode; detail: string };

const MAX_HOPS = 5;

/**
 * Follows a short link to the first address that names a post. Only hosts that posts/url.ts knows are requested: every hop is
 * parsed before it is followed.
 */
export async function resolveShortLink(link: ShortLink, send: Send): Promise<Resolved> {
  const agents = link.platform === 'douyin' ? (['phone', 'bot'] as const) : (['bot', 'phone'] as const);
  let last: Resolved = { ok: false, code: 'upstream_failed', detail: 'the short link was not resolved' };
  for (const agent of agents) {
    const resolved = await follow(link, agent, send);
    if (resolved.ok || resolved.code !== 'upstream_failed') return resolved;
    last = resolved;
  }
  return last;
}

async function follow(link: ShortLink, agent: 'bot' | 'phone', send: Send): Promise<Resolved> {
  let { url } = link;
  for (let hop = 0; hop < MAX_HOPS; hop += 1) {
    const reply = await send({ op: 'resolve', platform: link.platform, post: '', url, agent });
    if (!reply.ok || !reply.answer) {
      const code = !reply.ok && reply.error.kind === 'timeout' ? 'timeout' : 'upstream_failed';
      return { ok: false, code, detail: reply.ok ? 'no response' : reply.error.message };
    }
    const { location } = reply.answer;
    const target = parsePostUrl(location) ?? parsePostUrl(loginTarget(location));
    if (target?.kind === 'post') return { ok: true, link: target };
    if (!target) return deadEnd(reply.answer);
    url = target.url;
  }
  return { ok: false, code: 'upstream_failed', detail: 'a short link with too many hops' };
}

/** The post that a login page would go on to: `/login?redirect_url=…`. */
function loginTarget(location: string): string {
  if (!URL.canParse(location)) return '';
  const { pathname, searchParams } = new URL(location);
  return /^\/login(?:\/|$)/.test(pathname) ? (searchParams.get('redirect_url') ?? '') : '';
}

function deadEnd(answer: ResponseFacts): Resolved {
  const detail =
    `the short link leads to ${answer.location || `HTTP ${answer.status}`}`.split('?', 1)[0] ?? '';
  const { location, status } = answer;
  if (location === '') {
    if (status === 404 || status === 410) return { ok: false, code: 'post_not_found', detail };
    const refusal = status === 200 ? null : refusalOf(answer);
    return { ok: false, code: refusal ? 'ip_blocked' : 'upstream_failed', detail };
  }
  const path = URL.canParse(location) ? new URL(location).pathname : '';
  if (/^\/login(?:\/|$)/.test(path)) return { ok: false, code: 'login_required', detail };
  if (/^\/(?:hk\/notfound|in\/about)/.test(path)) return { ok: false, code: 'ip_blocked', detail };
  // A dead code leads to the front page.
  if (path === '/' || path === '') return { ok: false, code: 'post_not_found', detail };
  const sentence = explainUnsupported(location);
  return sentence
    ? { ok: false, code: 'unsupported_url', detail: sentence }
    : { ok: false, code: 'post_not_found', detail };
}

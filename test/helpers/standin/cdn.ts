import type { OutgoingHttpHeaders } from 'node:http';
import type { Addresses, AssetRef } from './addresses.ts';
import { type Content, chunksOf, contentOf } from './content.ts';
import { type Answer, answer, type Exchange, html } from './delivery.ts';
import type { Fault } from './faults.ts';
import type { MediaLibrary } from './media.ts';
import type { PostRegistry } from './posts.ts';
import { digest } from './signing.ts';

interface Cdn {
  addresses: Addresses;
  media: MediaLibrary;
  posts: PostRegistry;
}

function refuse(exchange: Exchange, status: number, reason: string): Answer {
  exchange.entry.refusal = reason;
  const title = status === 404 ? 'Not Found' : 'Forbidden';
  return html(status, `<html><head><title>${status} ${title}</title></head><body>${title}</body></html>`);
}

/** `bytes=a-b`, `bytes=a-`, `bytes=-n` as [from, to); null for what a server has to ignore. */
function parseRange(header: string, size: number): [number, number] | 'unsatisfiable' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (match === null || (match[1] === '' && match[2] === '')) return null;
  if (match[1] === '') {
    const last = Number(match[2]);
    return last === 0 || size === 0 ? 'unsatisfiable' : [Math.max(0, size - last), size];
  }
  const from = Number(match[1]);
  const to = match[2] === '' ? size : Number(match[2]) + 1;
  if (match[2] !== '' && to <= from) return null;
  return from >= size ? 'unsatisfiable' : [from, Math.min(to, size)];
}

function isFresh(headers: Record<string, string>, content: Content): boolean {
  const tags = headers['if-none-match'];
  if (tags !== undefined) return tags === '*' || tags.split(/\s*,\s*/).includes(content.etag);
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return since >= Math.floor(content.modified.getTime() / 1000) * 1000;
}

/** If-Range as RFC 9110 wants it: the strong validator itself, or the very date. */
function rangeStillHolds(header: string | undefined, content: Content): boolean {
  if (header === undefined) return true;
  return header === content.etag || header === content.modified.toUTCString();
}

function describe(content: Content, fault: Fault | null, url: string): OutgoingHttpHeaders {
  return {
    'content-type': fault?.kind === 'type' ? fault.type : content.type,
    etag: content.etag,
    'last-modified': content.modified.toUTCString(),
    'accept-ranges': 'bytes',
    'access-control-allow-origin': '*',
    'cache-control': 'max-age=2592000',
    server: 'TLB',
    'server-timing': 'cdn-cache; desc=HIT, edge; dur=1',
    'x-cache': 'TCP_HIT from a23-48-94-8.deploy.akamaitechnologies.com (AkamaiGHost/11.6.5)',
    'x-tt-logid': digest(url).toString('hex'),
    'x-tt-trace-tag': 'id=16;cdn-cache=hit;type=static',
  };
}

function serve(exchange: Exchange, content: Content, fault: Fault | null): Answer {
  const headers = describe(content, fault, exchange.url.href);
  if (isFresh(exchange.headers, content)) return { ...answer(304, '', headers), length: content.size };
  const whole = { status: 200, headers, length: content.size, body: chunksOf(content, 0, content.size) };
  const wanted = exchange.headers.range;
  if (wanted === undefined || fault?.kind === 'ignore-range') return whole;
  if (!rangeStillHolds(exchange.headers['if-range'], content)) return whole;
  const range = parseRange(wanted, content.size);
  if (range === null) return whole;
  if (range === 'unsatisfiable') {
    return html(416, '', { ...headers, 'content-range': `bytes */${content.size}` });
  }
  const shift = fault?.kind === 'wrong-range' ? fault.shift : 0;
  const [from, to] = [Math.max(0, range[0] + shift), range[1]];
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${from}-${to - 1}/${content.size}` },
    length: to - from,
    body: chunksOf(content, from, to),
  };
}

/** What the address is about, for choosing a fault; the judgement itself comes after. */
export function subjectOfCdn(cdn: Cdn, exchange: Exchange): AssetRef | null {
  return cdn.addresses.judge(exchange.host, exchange.url.href, exchange.headers).ref;
}

/** The CDN's answer: the file, a part of it, or 403 with the reason in the journal. */
export function answerCdn(cdn: Cdn, exchange: Exchange, fault: Fault | null): Answer {
  if (exchange.request.method !== 'GET' && exchange.request.method !== 'HEAD') {
    return refuse(exchange, 405, 'method');
  }
  const verdict = cdn.addresses.judge(exchange.host, exchange.url.href, exchange.headers);
  if (verdict.ref === null) return refuse(exchange, 404, verdict.refusal);
  if (verdict.refusal !== null) {
    const refused = refuse(exchange, 403, verdict.refusal);
    if (!exchange.host.endsWith('.douyinvod.com')) return refused;
    return { ...refused, headers: { ...refused.headers, 'x-ccdn-forbid-code': '020200' } };
  }
  if (fault?.kind === 'expired') return refuse(exchange, 403, 'expired');
  const { postId, part, index } = verdict.ref;
  const post = cdn.posts.get(postId);
  const version = fault?.kind === 'changed' ? (fault.version ?? 1) : 0;
  const content = post === null ? null : contentOf(cdn.media, post, part, index, version);
  if (content === null) return refuse(exchange, 404, 'unknown-path');
  return serve(exchange, content, fault);
}

import { once } from 'node:events';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './faults.ts';
import type { JournalEntry } from './journal.ts';

/** One request on its way through the stand-in. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  host: string;
  url: URL;
  headers: Record<string, string>;
  entry: JournalEntry;
  /** Ends the TCP connection with a reset. */
  reset(): void;
}

export interface Answer {
  status: number;
  headers: OutgoingHttpHeaders;
  /** Length of the body, told even where HEAD or 304 leaves it out. */
  length: number;
  body: Iterable<Buffer>;
}

export function answer(status: number, body: Buffer[] | string, headers: OutgoingHttpHeaders = {}): Answer {
  const pieces = typeof body === 'string' ? [Buffer.from(body)] : body;
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return { status, headers, length, body: pieces };
}

const HTML = { 'content-type': 'text/html; charset=utf-8' };

export function html(status: number, body: Buffer[] | string, headers: OutgoingHttpHeaders = {}): Answer {
  return answer(status, body, { ...HTML, ...headers });
}

export function redirect(location: string, status = 302, headers: OutgoingHttpHeaders = {}): Answer {
  return answer(status, '', { location, ...headers });
}

/** The answer that a fault puts in place of the right one. */
function replaced(right: Answer, fault: Fault | null): Answer {
  if (fault?.kind === 'status') return html(fault.status, fault.body ?? '', fault.headers);
  if (fault?.kind === 'redirect') return redirect(fault.location, fault.status);
  if (fault?.kind === 'html') return html(200, fault.body ?? '<html><body>Sorry.</body></html>');
  if (fault?.kind === 'empty') return { ...right, status: 200, length: 0, body: [] };
  return right;
}

function* cutInto(body: Iterable<Buffer>, size: number): Generator<Buffer> {
  for (const chunk of body) {
    for (let at = 0; at < chunk.length; at += size) yield chunk.subarray(at, at + size);
  }
}

/** Sends the answer, or what a fault makes of it. Resolves when nothing more will be sent. */
export async function deliver(exchange: Exchange, right: Answer, fault: Fault | null): Promise<void> {
  const { request, response, entry } = exchange;
  if (fault?.kind === 'hang') return;
  if (fault?.kind === 'reset') {
    exchange.reset();
    return;
  }
  if (fault?.kind === 'delay') await sleep(fault.ms, null, { ref: false });
  if (response.destroyed) return;
  const given = replaced(right, fault);
  entry.status = given.status;
  const bare = given.status === 304 || given.status === 204;
  const length = given.length + (fault?.kind === 'length' ? fault.delta : 0);
  const headers = { ...given.headers };
  if (!bare && fault?.kind !== 'chunked') headers['content-length'] = length;
  response.writeHead(given.status, headers);
  if (request.method === 'HEAD' || bare) {
    response.end();
    return;
  }
  response.flushHeaders();
  await pour(exchange, given.body, fault);
}

async function pour({ response, request, entry }: Exchange, body: Iterable<Buffer>, fault: Fault | null) {
  const stop = fault?.kind === 'cut' || fault?.kind === 'stall' ? fault.after : Number.POSITIVE_INFINITY;
  const drip = fault?.kind === 'drip' ? fault : null;
  for (const whole of drip ? cutInto(body, drip.bytes) : body) {
    const chunk = whole.subarray(0, Math.max(0, stop - entry.bytesSent));
    if (chunk.length > 0) {
      entry.bytesSent += chunk.length;
      if (!response.write(chunk)) await drained(response);
    }
    if (response.destroyed) return;
    if (entry.bytesSent >= stop) {
      // Flushed first, so that exactly these bytes arrive before the end.
      if (fault?.kind === 'cut') response.write('', () => request.socket.destroy());
      return;
    }
    if (drip) await sleep(drip.everyMs, null, { ref: false });
  }
  if (response.destroyed) return;
  if (fault?.kind === 'length') {
    response.write('', () => request.socket.destroy());
    return;
  }
  response.end();
}

async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  const over = new AbortController();
  const options = { signal: over.signal };
  await Promise.race([once(response, 'drain', options), once(response, 'close', options)]);
  over.abort();
}

import { createHash } from 'node:crypto';
import { type IncomingHttpHeaders, request } from 'node:http';

export interface TestResponse {
  /** 0 where no answer came at all. */
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  sha256: string;
  /** False where the connection ended before the promised end. */
  whole: boolean;
  /** Why no answer came, such as ECONNREFUSED. */
  failure: string | null;
}

export interface AskOptions {
  method?: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** Goes away when it fires. */
  signal?: AbortSignal;
  /** Goes away after so many bytes of the body. */
  leaveAfter?: number;
}

/** One request on a connection of its own, so that afterwards nothing of it is left on either side. Never throws. */
export function sendRequest(
  url: string,
  { method, headers = {}, json, leaveAfter, signal }: AskOptions = {},
): Promise<TestResponse> {
  const body = json === undefined ? undefined : JSON.stringify(json);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let answer: { status: number; headers: IncomingHttpHeaders } = { status: 0, headers: {} };
    const end = (whole: boolean, failure: string | null = null) => {
      const all = Buffer.concat(chunks);
      const sha256 = createHash('sha256').update(all).digest('hex');
      resolve({ ...answer, body: all, sha256, whole, failure });
    };
    const call = request(url, {
      agent: false,
      ...(signal && { signal }),
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
    });
    call.once('error', (error: NodeJS.ErrnoException) => end(false, error.code ?? error.message));
    call.once('response', (response) => {
      answer = { status: response.statusCode ?? 0, headers: response.headers };
      response.on('error', () => {});
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (leaveAfter !== undefined && bytes >= leaveAfter) call.destroy();
      });
      response.once('close', () => end(response.complete));
    });
    call.end(body);
  });
}

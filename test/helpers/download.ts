import { createHash } from 'node:crypto';
import type { ErrorCode } from '../../src/errors.ts';
import type { Service } from './service.ts';
import type { Standin, StandinPost } from './standin/index.ts';

/** What a client got for one request. */
export interface Download {
  status: number;
  headers: Headers;
  /** Code of the error answer; null where media, or nothing, came. */
  code: ErrorCode | null;
  bytes: number;
  sha256: string;
  /** False when the connection broke before the promised end. */
  whole: boolean;
}

/** Takes an answer to its end, or to where it breaks. */
export async function download(link: string, init: RequestInit = {}): Promise<Download> {
  const response = await fetch(link, init);
  const hash = createHash('sha256');
  const json = response.headers.get('content-type')?.startsWith('application/json') ?? false;
  let text = '';
  let bytes = 0;
  let whole = true;
  try {
    for await (const chunk of response.body ?? []) {
      hash.update(chunk);
      bytes += chunk.length;
      if (json) text += Buffer.from(chunk).toString();
    }
  } catch {
    whole = false;
  }
  const code = json && text !== '' ? (JSON.parse(text) as { code: ErrorCode }).code : null;
  return {
    status: response.status,
    headers: response.headers,
    code,
    bytes,
    sha256: hash.digest('hex'),
    whole,
  };
}

/** The outcome in one value, to compare and to print: `whole file`, `broken`, `other bytes` or an error's code. */
export function outcomeOf(got: Download, truth: string): string {
  if (got.code !== null) return `${got.status} ${got.code}`;
  if (got.status !== 200 && got.status !== 206) return `${got.status}`;
  if (!got.whole) return 'broken';
  return got.sha256 === truth ? 'whole file' : 'other bytes';
}

/** Asks the service for a post and gives its link without a watermark; of several photos the first. */
export async function linkOf(service: Service, post: StandinPost): Promise<string> {
  const { body } = await service.post(post.url);
  const link = [body.download_link?.no_watermark].flat()[0];
  if (link === undefined) throw new Error(`no link: ${JSON.stringify(body)}`);
  return link;
}

/** The bytes that `linkOf` leads to. */
export function bytesOfLink(standin: Standin, post: StandinPost): Buffer {
  if (post.kind === 'photo') return standin.media.bytes({ post, part: 'photo' });
  return standin.media.bytes({ post, part: 'video', index: indexOfBestH264(post) });
}

/** The rendition that `no_watermark` leads to; the first where there is no H.264. */
export function indexOfBestH264({ renditions }: StandinPost): number {
  const best = (['h264_1080p', 'h264_720p', 'h264_540p'] as const).find((name) => renditions.includes(name));
  return best ? renditions.indexOf(best) : 0;
}

/** SHA-256 of what `linkOf` leads to, or of a range of it (both ends inclusive). */
export function truthOf(standin: Standin, post: StandinPost, range?: { from: number; to: number }): string {
  const bytes = bytesOfLink(standin, post);
  const part = range ? bytes.subarray(range.from, range.to + 1) : bytes;
  return createHash('sha256').update(part).digest('hex');
}

/** How often the post's page was asked for. */
export function pagesOf(standin: Standin, post: StandinPost): number {
  return standin.requests.filter(({ kind, postId }) => kind === 'page' && postId === post.id).length;
}

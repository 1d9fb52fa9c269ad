import type { ReadContext } from '../../posts/complete-post.ts';
import { hasNoVideoAddress } from '../../posts/from-page.ts';
import type { Post } from '../../posts/post.ts';
import { asNumber, asObject, asObjects, asString } from '../../posts/raw.ts';
import { itemId, readPost } from '../../posts/readers.ts';
import type { ResponseFacts } from '../protocol.ts';
import type { Meaning } from './meaning.ts';
import { refusalOf } from './refusal.ts';
import { statusMeaning } from './status.ts';

/** The reply of a source that had a response. */
export interface SourceReply {
  data: unknown;
  answer: ResponseFacts;
}

/** Reads the post's part of a desktop or a mobile page. */
export function readPage({ data, answer }: SourceReply, context: ReadContext): Meaning {
  const detail = asObject(data);
  if (data === null) return pageWithoutData(answer);
  const message = asString(detail.statusMsg) || asString(detail.statusMessage);
  const said = statusMeaning(asNumber(detail.statusCode) ?? 0, message);
  if (said) return said;
  const item = asObject(asObject(detail.itemInfo).itemStruct);
  const id = itemId(item, context.source);
  if (id === null) return { kind: 'unreadable', detail: 'a page without an item' };
  if (id !== context.ref.id) return { kind: 'unreadable', detail: 'a page of another post' };
  const post = readPost(item, context);
  if (isPlayable(post)) return { kind: 'post', post };
  // TikTok keeps the video of age-gated and sensitive posts for who is logged in.
  const isEmpty = Object.keys(asObject(item.video)).length === 0;
  if (item.isContentClassified === true || (isEmpty && !post.sound?.urls.length)) {
    return { kind: 'withheld', code: 'login_required', detail: 'an item without its video' };
  }
  // Advertisements and shop posts have a track and no address of their video.
  return hasNoVideoAddress(item) && post.sound?.urls.length
    ? { kind: 'post', post }
    : { kind: 'unreadable', detail: 'an item without media' };
}

/** Whether a post has a file to show. */
export function isPlayable(post: Post): boolean {
  return post.renditions.length > 0 || post.photos.length > 0;
}

function pageWithoutData(answer: ResponseFacts): Meaning {
  const reason = refusalOf(answer);
  const isChallenge = answer.words.includes('id="cs"') || answer.words.includes('Please wait...');
  if (isChallenge && (reason === null || reason === 'blocked header')) {
    return answer.requests > 1
      ? { kind: 'refused', reason: 'challenge repeated' }
      : { kind: 'unreadable', detail: 'a challenge that yt-dlp cannot solve' };
  }
  if (reason) return { kind: 'refused', reason };
  return byHttpStatus(answer.status) ?? { kind: 'refused', reason: 'page without data' };
}

/** What a status says of itself; null for a success. */
function byHttpStatus(status: number): Meaning | null {
  const detail = `HTTP ${status}`;
  if (status === 404 || status === 410) return { kind: 'absent', detail };
  if (status === 451) return { kind: 'withheld', code: 'region_blocked', detail };
  return status >= 300 ? { kind: 'failed', code: 'upstream_failed', detail } : null;
}

/** Reads an answer of the player API. */
export function readPlayer({ data, answer }: SourceReply, context: ReadContext): Meaning {
  if (data === null) return withoutJson(answer);
  const body = asObject(data);
  const item = asObjects(body.items).find((one) => itemId(one, context.source) === context.ref.id);
  if (item) {
    const post = readPost(item, context);
    return isPlayable(post)
      ? { kind: 'post', post }
      : { kind: 'unreadable', detail: 'an item without media' };
  }
  const result = asObjects(body.results).find((one) => asString(one.id_str) === context.ref.id);
  const code = asString((result ?? asObjects(body.results)[0])?.code);
  if (code === 'nil_core_data' || code === 'not_exist') return { kind: 'absent', detail: code };
  if (code === 'api_busy') return { kind: 'refused', reason: 'api busy' };
  const reason = refusalOf(answer);
  if (reason) return { kind: 'refused', reason };
  return {
    kind: 'unreadable',
    detail: `status ${asNumber(body.status_code) ?? 'unknown'}, ${code || 'no item'}`,
  };
}

/** Reads the state of an embed page. */
export function readEmbed({ data, answer }: SourceReply, context: ReadContext): Meaning {
  const video = asObject(asObject(data).videoData);
  if (itemId(video, context.source) === context.ref.id) {
    const post = readPost(video, context);
    return isPlayable(post)
      ? { kind: 'post', post }
      : { kind: 'unreadable', detail: 'an item without media' };
  }
  if (asNumber(asObject(data).errorCode) === 10204 || answer.words.includes('"errorCode":10204')) {
    return { kind: 'absent', detail: 'embed 10204' };
  }
  const reason = refusalOf(answer);
  if (reason) return { kind: 'refused', reason };
  return byHttpStatus(answer.status) ?? { kind: 'unreadable', detail: 'a page without the post' };
}

/** Whether oEmbed knows a public video: true, false, or null where it does not say. */
export function readOembed({ data, answer }: SourceReply, id: string): boolean | null {
  if (answer.status === 200 && asString(asObject(data).embed_product_id) === id) return true;
  return answer.status === 400 ? false : null;
}

function withoutJson(answer: ResponseFacts): Meaning {
  const reason = refusalOf(answer);
  if (reason) return { kind: 'refused', reason };
  return byHttpStatus(answer.status) ?? { kind: 'refused', reason: 'page without data' };
}

import type { ReadContext } from '../../posts/complete-post.ts';
import { asNumber, asObject, asObjects, asString, type Raw } from '../../posts/raw.ts';
import { itemId, readPost } from '../../posts/readers.ts';
import type { ResponseFacts } from '../protocol.ts';
import type { Meaning } from './meaning.ts';
import { refusalOf } from './refusal.ts';
import { isPlayable, type SourceReply } from './tiktok.ts';

/** Douyin's reasons for keeping a post back. Names by three public readers. */
const GONE = /^(SYSTEM_ITEM_NOT_EXIST|status_deleted|core_dep|music_deleted_video)$/;
const PRIVATE = /^(status_self_see|status_part_see|status_audit.*)$/;

/** Reads an answer of the detail API, whichever way it was asked. */
export function readDetail(reply: SourceReply, context: ReadContext): Meaning {
  const body = asObject(reply.data);
  // 2053: unavailable, by one public reader.
  const fallback = asNumber(body.status_code) === 2053 ? 'status 2053' : '';
  const reason = asString(asObject(body.filter_detail).filter_reason) || fallback;
  return readAweme(asObject(body.aweme_detail), reason, reply.answer, context);
}

/** Reads a share page's `videoInfoRes`. */
export function readShare(reply: SourceReply, context: ReadContext): Meaning {
  const body = asObject(reply.data);
  const reason = asString(asObjects(body.filter_list)[0]?.filter_reason);
  return readAweme(asObjects(body.item_list)[0] ?? {}, reason, reply.answer, context);
}

/** Reads an answer of the album API or the feed: only a hit says something of the post. */
export function readHit(reply: SourceReply, context: ReadContext): Meaning {
  const body = asObject(reply.data);
  const items = [...asObjects(body.aweme_details), ...asObjects(body.aweme_list)];
  const item = items.find((one) => itemId(one, context.source) === context.ref.id) ?? {};
  return readAweme(item, '', reply.answer, context);
}

function readAweme(item: Raw, filterReason: string, answer: ResponseFacts, context: ReadContext): Meaning {
  const id = itemId(item, context.source);
  if (id === context.ref.id) {
    const post = readPost(item, context);
    return isPlayable(post)
      ? { kind: 'post', post }
      : { kind: 'unreadable', detail: 'an item without media' };
  }
  if (id !== null) return { kind: 'unreadable', detail: 'another post' };
  if (GONE.test(filterReason)) return { kind: 'verdict', code: 'post_not_found', detail: filterReason };
  if (PRIVATE.test(filterReason)) return { kind: 'verdict', code: 'post_private', detail: filterReason };
  if (filterReason !== '') return { kind: 'absent', detail: filterReason };
  const reason = refusalOf(answer);
  if (reason) return { kind: 'refused', reason };
  if (answer.status >= 500)
    return { kind: 'failed', code: 'upstream_failed', detail: `HTTP ${answer.status}` };
  return { kind: 'refused', reason: 'page without data' };
}

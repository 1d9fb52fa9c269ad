import { browserOf } from '../browser.ts';
import { type Answer, answer, type Exchange } from '../delivery.ts';
import type { PostRegistry } from '../posts.ts';
import type { Press } from '../press.ts';
import type { Settings } from '../sources.ts';
import { awemeDetail, shown } from './aweme.ts';
import { filterOf } from './filter.ts';

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

/** The one id of `aweme_ids=[ID]`, written without quotes. */
export function postIdOfSlides(url: URL): string | null {
  return /^\[(\d+)\]$/.exec(url.searchParams.get('aweme_ids') ?? '')?.[1] ?? null;
}

/**
 * `/web/api/v2/aweme/slidesinfo/`: for phones, without a Referer and without `a_bogus` (parse-video-py PR 95,
 * 2026-08-19). The record contradicts itself: a post, reason 8 for most (R30), or nothing (R31); see Settings.
 */
export function answerSlides(
  press: Press,
  posts: PostRegistry,
  settings: Settings,
  exchange: Exchange,
): Answer {
  const { url, headers } = exchange;
  const id = postIdOfSlides(url);
  const wrong =
    id === null || 'referer' in headers || url.searchParams.has('a_bogus') || !browserOf(headers).phone;
  if (wrong || settings.slides === 'empty') return answer(200, '', JSON_TYPE);
  const post = posts.get(id, 'douyin');
  const hidden = post === null || filterOf(post, '') !== null || settings.slides === 'reason';
  const body = hidden
    ? { status_code: 0, aweme_details: null, filter_list: [{ aweme_id: id, reason: 8 }] }
    : { status_code: 0, filter_list: [], aweme_details: [shown(post, awemeDetail(press, post, true))] };
  return answer(200, JSON.stringify(body), JSON_TYPE);
}

import { type Answer, answer, type Exchange } from '../delivery.ts';
import type { PostRegistry } from '../posts.ts';
import type { Press } from '../press.ts';
import { readCookies } from '../signing.ts';
import type { Settings, Source } from '../sources.ts';
import { awemeDetail, shown } from './aweme.ts';
import { FILTER_TEXT, filterOf } from './filter.ts';
import type { Ttwids } from './ttwid.ts';

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };
/** The Origin that opens the API without any cookie (measured by three projects, 2026-09). */
const OPEN = 'https://open.douyin.com';

/** Which of its three ways a request to the detail API takes. */
export function sourceOfDetail(headers: Record<string, string>): Source {
  const cookies = readCookies(headers.cookie);
  if (headers.origin === OPEN) return 'douyin-detail';
  if (cookies.has('s_v_web_id')) return 'douyin-cookies';
  return cookies.has('ttwid') ? 'douyin-ttwid' : 'douyin-cookies';
}

export interface DetailApi {
  press: Press;
  posts: PostRegistry;
  ttwids: Ttwids;
  settings: Settings;
  /** Whether a client without any of the three ways gets nothing. */
  needsCookie: boolean;
}

function isLetIn({ ttwids, settings, needsCookie }: DetailApi, source: Source, exchange: Exchange): boolean {
  const { headers } = exchange;
  if (source === 'douyin-detail') return !settings.detailWantsSecFetch || 'sec-fetch-mode' in headers;
  const cookies = readCookies(headers.cookie);
  if (source === 'douyin-ttwid') return ttwids.isValid(cookies.get('ttwid'));
  return !needsCookie || (cookies.get('s_v_web_id') ?? '') !== '';
}

/**
 * `/aweme/v1/web/aweme/detail/`: data for the right Origin, a registered ttwid or a browser's cookies; 403 for a
 * foreign Origin; else 200 without a byte, whatever the Referer (measured, R26, 2026-09).
 */
export function answerDetail(api: DetailApi, source: Source, exchange: Exchange): Answer {
  const { headers, url } = exchange;
  const id = url.searchParams.get('aweme_id') ?? '';
  if (headers.origin !== undefined && !/^https:\/\/[\w-]+\.douyin\.com$/.test(headers.origin)) {
    return answer(403, '');
  }
  if (!isLetIn(api, source, exchange)) return answer(200, '', JSON_TYPE);
  const post = api.posts.get(id, 'douyin');
  const filter = filterOf(post, 'core_dep');
  // aid=1128 leaves the clips of live photos out (parse-video-py#60, 2026-06).
  const live = url.searchParams.get('aid') !== '1128';
  const body =
    post === null || filter !== null
      ? {
          aweme_detail: null,
          filter_detail: { aweme_id: id, filter_reason: filter?.reason, ...FILTER_TEXT, icon: '' },
          log_pb: {},
          status_code: filter?.statusCode ?? 0,
        }
      : { aweme_detail: shown(post, awemeDetail(api.press, post, live)), log_pb: {}, status_code: 0 };
  return answer(200, JSON.stringify(body), JSON_TYPE);
}

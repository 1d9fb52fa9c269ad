import { type Answer, type Exchange, html } from '../delivery.ts';
import type { PostRegistry } from '../posts.ts';
import type { Press } from '../press.ts';
import { jsChallenge } from '../refusal-answers.ts';
import type { Settings, Source } from '../sources.ts';
import { answerDetail, sourceOfDetail } from './detail.ts';
import { answerFeed } from './feed.ts';
import { answerPlay, isPlay, postIdOfPlay } from './play.ts';
import { answerShare, postIdOfShare, type SharePace } from './share.ts';
import { answerSlides, postIdOfSlides } from './slides.ts';
import type { Ttwids } from './ttwid.ts';

export interface Douyin {
  press: Press;
  posts: PostRegistry;
  ttwids: Ttwids;
  settings: Settings;
  pace: SharePace;
  /** Whether a client without cookie, ttwid or the right Origin gets nothing from the detail API. */
  needsCookie: boolean;
}

const SLIDES = '/web/api/v2/aweme/slidesinfo/';

/** Which source a request to Douyin's hosts is for. */
export function sourceOfDouyin(host: string, url: URL, headers: Record<string, string>): Source {
  if (host === 'ttwid.bytedance.com') return 'ttwid';
  if (isPlay(url)) return 'play';
  if (url.pathname === '/aweme/v1/web/aweme/detail/') return sourceOfDetail(headers);
  if (url.pathname === SLIDES) return 'douyin-slides';
  if (url.pathname === '/aweme/v1/feed/') return 'douyin-feed';
  return postIdOfShare(url) === null ? 'other' : 'douyin-share';
}

export function postIdOfDouyin(url: URL): string | null {
  if (isPlay(url)) return postIdOfPlay(url);
  if (url.pathname === SLIDES) return postIdOfSlides(url);
  const query = url.searchParams;
  return (
    query.get('aweme_id') ??
    query.get('modal_id') ??
    postIdOfShare(url) ??
    /\/(?:video|note|slides)\/(\d+)/.exec(url.pathname)?.[1] ??
    null
  );
}

/** Douyin's hosts but for its files, for one source. */
export function answerDouyin(douyin: Douyin, source: Source, exchange: Exchange, body: string): Answer {
  const { press, posts, settings } = douyin;
  const { entry, url } = exchange;
  if (source === 'play') return answerPlay(press, posts, exchange);
  if (source === 'douyin-share') return answerShare(douyin, exchange);
  if (source === 'other') {
    // Pages of posts are behind a challenge that wants a signature (captured 2026-01-31).
    if (postIdOfDouyin(url) !== null) return jsChallenge();
    return html(200, '<!DOCTYPE html><html lang="zh"><head><title>抖音</title></head><body></body></html>');
  }
  entry.kind = 'api';
  if (source === 'ttwid') return douyin.ttwids.register(exchange, body);
  if (source === 'douyin-slides') return answerSlides(press, posts, settings, exchange);
  if (source === 'douyin-feed') return answerFeed(press, posts, exchange);
  return answerDetail(douyin, source, exchange);
}

import { type Answer, answer, type Exchange } from '../delivery.ts';
import { type PostRegistry, RENDITIONS, type StandinPost } from '../posts.ts';
import type { Press } from '../press.ts';
import { awemeDetail, shown } from './aweme.ts';
import { filterOf } from './filter.ts';

/** Gears of the feed: HEVC of at most 720 (measured 2026-09-21), H.264 where a post has no other. */
function gearsInFeed(post: StandinPost): Set<string> {
  const small = post.renditions
    .map((name) => RENDITIONS[name])
    .filter(({ height, silent }) => height <= 720 && !silent);
  const hevc = small.filter(({ codec }) => codec === 'bytevc1');
  return new Set((hevc.length > 0 ? hevc : small).map(({ gear }) => gear));
}

/**
 * `/aweme/v1/feed/?aweme_id=ID&aid=1128`: the asked post among recommendations, and those alone where there is no
 * such post; without the clips of live photos.
 */
export function answerFeed(press: Press, posts: PostRegistry, exchange: Exchange): Answer {
  const post = posts.get(exchange.url.searchParams.get('aweme_id') ?? '', 'douyin');
  const others = ['7400000000000000101', '7400000000000000102'].flatMap(
    (id) => posts.get(id, 'douyin') ?? [],
  );
  const shown = post === null || filterOf(post, '') !== null ? [] : [post];
  const list = [...others.slice(0, 1), ...shown, ...others.slice(1)];
  const body = { status_code: 0, has_more: 1, aweme_list: list.map((one) => feedItem(press, one)) };
  return answer(200, JSON.stringify(body), { 'content-type': 'application/json; charset=utf-8' });
}

function feedItem(press: Press, post: StandinPost) {
  const whole = awemeDetail(press, post, false);
  if (post.kind === 'photo') return shown(post, whole);
  const gears = gearsInFeed(post);
  const rates = whole.video.bit_rate.filter(({ gear_name }) => gears.has(gear_name));
  return shown(post, {
    ...whole,
    video: { ...whole.video, bit_rate: rates, play_addr: rates[0]?.play_addr },
  });
}

import { type AssetRef, COLD_HOST, refOfFileId } from '../addresses.ts';
import { type Answer, answer, type Exchange, redirect } from '../delivery.ts';
import { type PostRegistry, RENDITIONS, type StandinPost } from '../posts.ts';
import { type Press, postIdOfVideoId } from '../press.ts';
import { fileUrl } from './aweme.ts';

export function isPlay(url: URL): boolean {
  return url.pathname === '/aweme/v1/play/' || url.pathname === '/aweme/v1/playwm/';
}

export function postIdOfPlay(url: URL): string | null {
  return postIdOfVideoId(url.searchParams.get('video_id') ?? '');
}

/** The H.264 file with sound whose height is nearest below the asked one: 1440p and more give the 1080p file. */
function transcode(post: StandinPost, ratio: string): AssetRef | null {
  const wanted = Number.parseInt(ratio, 10) || 720;
  const fitting = post.renditions
    .map((name, index) => ({ ...RENDITIONS[name], index }))
    .filter(({ codec, silent, height }) => codec === 'h264' && !silent && height <= wanted)
    .sort((one, other) => other.height - one.height);
  const index = fitting[0]?.index;
  return index === undefined ? null : { postId: post.id, part: 'video', index };
}

/**
 * `/aweme/v1/play/` and `playwm`: redirects to a file. With a `file_id` to that one; else by `video_id` and `ratio`,
 * where `default` is the upload itself in cold storage, and `playwm` gives the watermarked file (measured 2026-09).
 */
export function answerPlay(press: Press, posts: PostRegistry, exchange: Exchange): Answer {
  const { url, entry } = exchange;
  entry.kind = 'redirect';
  const named = refOfFileId(url.searchParams.get('file_id') ?? '');
  const post = posts.get(named?.postId ?? postIdOfPlay(url) ?? '', 'douyin');
  if (post === null || post.kind === 'photo') {
    const clip = named !== null && post !== null;
    return clip ? redirect(fileUrl(press, post, named)) : answer(404, '');
  }
  if (named !== null) return redirect(fileUrl(press, post, named));
  const whole = { postId: post.id, index: 0 } as const;
  if (url.pathname === '/aweme/v1/playwm/') {
    return redirect(fileUrl(press, post, { ...whole, part: 'marked' }));
  }
  const ratio = url.searchParams.get('ratio') ?? '720p';
  if (ratio === 'default') return redirect(fileUrl(press, post, { ...whole, part: 'original' }, COLD_HOST));
  const ref = transcode(post, ratio);
  return ref === null ? answer(404, '') : redirect(fileUrl(press, post, ref));
}

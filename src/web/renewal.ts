import { asFailure, fetchPost, type Post, renewLinks } from './api.ts';
import { announce, refresh } from './dom.ts';
import type { Report } from './download.ts';
import { t } from './language.ts';

/** Milliseconds after a renewal in which an expired link is no matter of its age. */
const RENEWAL_PAUSE_MS = 10_000;

/**
 * Links end while a page stays open. The report puts new ones in the place of the post's old ones, and tries again;
 * nothing on show is lost. All other failures go on to `report`, and none after `signal`.
 */
export function renewing(post: Post, signal: AbortSignal, report: Report): Report {
  let renewal: Promise<void> | null = null;
  let renewedAt = Number.NEGATIVE_INFINITY;
  const renew = async () => {
    announce(t.loading);
    try {
      const fresh = await fetchPost(post.url, signal);
      renewLinks(post, fresh);
      post.links_expire_at = fresh.links_expire_at;
      renewedAt = performance.now();
      refresh();
    } finally {
      renewal = null;
    }
  };
  return (failure, retry, attempt, asked) => {
    if (signal.aborted) return;
    const stale = failure.code === 'link_expired' || failure.code === 'link_invalid';
    if (!stale || (!renewal && performance.now() - renewedAt < RENEWAL_PAUSE_MS))
      return report(failure, retry, attempt, asked);
    renewal ??= renew();
    void renewal.then(
      () => signal.aborted || retry(attempt),
      (error) => signal.aborted || report(asFailure(error), retry, attempt, true),
    );
  };
}

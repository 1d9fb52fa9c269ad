import type { Standing, StandinPost } from '../posts.ts';
import type { Settings } from '../sources.ts';

/** Statuses of the page that are about the client or the server and not about the post. */
const NOT_THE_POST = [10_000, 10_101, 10_111, 10_113, 10_114, 100_004];
const PRIVATE_STATUSES = [10_216, 10_222, 10_223, 10_240, 10_242];
const PRIVATE_WORDS = /self_see|friend_see|part_see|author_secret|private/;

/** Read from the status that the page tells. */
export function standingOf(post: StandinPost | null): Standing {
  if (post === null) return 'gone';
  const { behaviour } = post;
  if (behaviour === 'age-gate') return 'gated';
  if (typeof behaviour !== 'object' || !('status' in behaviour)) return 'public';
  const { status, message, elsewhere } = behaviour;
  if (elsewhere !== undefined) return elsewhere;
  if (NOT_THE_POST.includes(status)) return 'public';
  if (status === 10_231 || /geo|cross_border/.test(message)) return 'withheld';
  if (status === 10_213 || status === 10_214 || /classification/.test(message)) return 'gated';
  return PRIVATE_STATUSES.includes(status) || PRIVATE_WORDS.test(message) ? 'private' : 'gone';
}

/** Whether the player API has the post; what it gives for a withheld or gated one is unknown. */
export function playerShows(post: StandinPost | null, settings: Settings): post is StandinPost {
  const standing = standingOf(post);
  if (standing === 'withheld' || standing === 'gated') return settings.playerShowsWithheld;
  return standing === 'public';
}

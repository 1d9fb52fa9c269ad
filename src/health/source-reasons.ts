import type { ExtractorStatus } from '../extraction/index.ts';

/** What a source is called to an operator. */
const NAMES: Readonly<Record<string, string>> = {
  player: 'the player API',
  mobile: 'the mobile page',
  embed: 'the embed page',
};

/** What helps against a refusal of TikTok's page. */
const REMEDY =
  'Other egresses (PROXY_URLS, GLUETUN_URL) or cookies help; `npm run doctor -- LINK` shows what works';

/** Why posts come from another source than TikTok's page: one sentence for each egress that its page refuses. */
export function sourceReasons(egresses: ExtractorStatus['sources']): string[] {
  return egresses.flatMap(({ egress, posts_from: from, sources }) => {
    const page = sources.find(({ source }) => source === 'page');
    const player = sources.find(({ source }) => source === 'player');
    if (!page || page.state === 'ok') {
      if (!player || player.state === 'ok') return [];
      const since = `since ${clock(player.since)} (${player.reason})`;
      return [
        `the player API does not answer egress ${egress} ${since}: posts depend on TikTok's page alone`,
      ];
    }
    const why = `TikTok refuses the page to egress ${egress} since ${clock(page.since)} (${page.reason})`;
    const comes =
      from &&
      from.source !== 'page' &&
      `posts come from ${NAMES[from.source] ?? from.source} since ${clock(from.since)}`;
    return [comes ? `${comes}: ${why}. ${REMEDY}` : `${why}. ${REMEDY}`];
  });
}

/** `12:03Z` of Unix seconds. */
function clock(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(11, 16)}Z`;
}

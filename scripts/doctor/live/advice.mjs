// @ts-check

/** @typedef {import('../../../src/extraction/index.ts').SourceCheck} Row */

/** A source said something about the post. */
const ANSWERS = new Set(['post', 'verdict', 'absent', 'withheld']);

/** The sources in which an address and a browser matter. */
const MAIN = { tiktok: ['page'], douyin: ['douyin-cookies', 'douyin-detail'] };

/**
 * What works best here for a platform, and what to set, in one line; nothing where no link is of it.
 * @param {'tiktok' | 'douyin'} platform
 * @param {readonly Row[]} all
 */
export function adviceFor(platform, all) {
  const rows = all.filter(({ ref }) => ref.platform === platform);
  if (rows.length === 0) return '';
  const name = platform === 'tiktok' ? 'TikTok' : 'Douyin';
  const best = bestOf(rows);
  const todo = todosFor(platform, rows);
  const set = todo.length > 0 ? `Set: ${todo.join('; ')}.` : 'Nothing to set.';
  const none = isAnswered(rows) ? 'it answers, and these links gave no post' : 'no source answers';
  return `${name}: ${best ? `best by ${best}` : none}. ${set}\n`;
}

/** @param {readonly Row[]} rows */
function bestOf(rows) {
  const posts = rows.filter(({ kind }) => kind === 'post');
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { source, target, egress } of posts) {
    const browser = source === 'page' && target ? ` as ${target}` : '';
    const way = `${source}${browser} (${egress})`;
    counts.set(way, (counts.get(way) ?? 0) + 1);
  }
  // Rows stand in the order in which the service asks.
  const [way, count] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? [null, 0];
  const links = new Set(rows.map(({ ref }) => ref.id)).size;
  return way && `${way}, ${count} of ${links} ${links === 1 ? 'link' : 'links'}`;
}

/**
 * @param {'tiktok' | 'douyin'} platform
 * @param {readonly Row[]} rows
 */
function todosFor(platform, rows) {
  const main = rows.filter(({ source }) => MAIN[platform].includes(source));
  const has = (/** @type {Row['kind']} */ kind, /** @type {string} */ word) =>
    rows.some((row) => row.kind === kind && row.detail.includes(word));
  const egresses = [...new Set(rows.map(({ egress }) => egress))];
  const refused = egresses.filter((egress) => {
    const own = main.filter((row) => row.egress === egress);
    return own.some(({ kind }) => kind === 'refused') && !own.some(({ kind }) => ANSWERS.has(kind));
  });
  const silent = egresses.filter((egress) =>
    rows.every((row) => row.egress !== egress || row.kind === 'failed' || row.kind === 'no statement'),
  );
  const other = platform === 'tiktok' ? 'or an account in COOKIES_PATH' : 'or Douyin cookies in COOKIES_PATH';
  return [
    refused.length > 0 && `another proxy in PROXY_URLS for ${refused.join(', ')}, which is refused, ${other}`,
    silent.length > 0 && `a working network or proxy for ${silent.join(', ')}, which gets no response`,
    has('refused', 'country not served') && 'an egress in a country that TikTok serves',
    has('withheld', 'region_blocked') && 'an egress in another country, for posts that are withheld here',
    has('withheld', 'login_required') && 'COOKIES_PATH, for posts that require a login',
    main.some(({ kind }) => kind === 'unreadable') && '`npm run engine:update`: a page could not be read',
  ].filter((todo) => todo !== false);
}

/**
 * Whether every link had an answer from somewhere.
 * @param {readonly Row[]} rows
 */
export function isAnswered(rows) {
  return rows.some(({ kind }) => ANSWERS.has(kind));
}

// @ts-check

/** @param {string} path in dist */
const load = (path) => import(new URL(`../../../dist/${path}.js`, import.meta.url).href);

/**
 * The compiled service's parts that fetch and read one source.
 * @returns {Promise<
 *   typeof import('../../../src/app.ts') &
 *   typeof import('../../../src/egress/index.ts') &
 *   typeof import('../../../src/extraction/connection.ts') &
 *   typeof import('../../../src/extraction/host-process.ts') &
 *   typeof import('../../../src/extraction/source-planner.ts') &
 *   typeof import('../../../src/extraction/sources/chain.ts') &
 *   typeof import('../../../src/extraction/sources/pacer.ts') &
 *   typeof import('../../../src/extraction/sources/short-link.ts') &
 *   typeof import('../../../src/extraction/sources/tiktok.ts')
 * >}
 */
export async function loadModules() {
  const extraction = ['connection', 'host-process', 'source-planner'].map((name) => `extraction/${name}`);
  const sources = ['chain', 'pacer', 'short-link', 'tiktok'].map((name) => `extraction/sources/${name}`);
  const loaded = await Promise.all(['app', 'egress/index', ...extraction, ...sources].map(load));
  return Object.assign({}, ...loaded);
}

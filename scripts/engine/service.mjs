// @ts-check

/**
 * The compiled service's own parts: an engine is tried by what will use it.
 * @returns {Promise<{
 *   engines: typeof import('../../src/engine/index.ts'),
 *   extraction: typeof import('../../src/extraction/index.ts'),
 *   settings: typeof import('../../src/config.ts'),
 *   posts: typeof import('../../src/posts/url.ts'),
 * }>}
 */
export async function loadService() {
  const [engines, extraction, settings, posts] = await Promise.all(
    ['engine/index.js', 'extraction/index.js', 'config.js', 'posts/url.js'].map(
      (path) => import(new URL(`../../dist/${path}`, import.meta.url).href),
    ),
  );
  return { engines, extraction, settings, posts };
}

/**
 * The settings as far as engines need them: no key for links, which an update that the service starts does not get.
 * @returns {Promise<import('../../src/config.ts').Config>}
 */
export async function loadSettings() {
  const { settings } = await loadService();
  return settings.loadConfig({ ...process.env, NODE_ENV: 'development' });
}

/**
 * Where the service's engines are.
 * @param {string} root
 * @returns {Promise<import('../../src/engine/index.ts').EngineDirs>}
 */
export async function findHome(root) {
  const { engines } = await loadService();
  return engines.engineDirs(root, (await loadSettings()).extraction.engineDir);
}

/** @returns {Promise<typeof import('../../src/ffmpeg/locate.ts')>} */
export function loadFfmpeg() {
  return import(new URL('../../dist/ffmpeg/locate.js', import.meta.url).href);
}

/** @returns {Promise<typeof import('../../src/cache/index.ts')>} */
export function loadCache() {
  return import(new URL('../../dist/cache/index.js', import.meta.url).href);
}

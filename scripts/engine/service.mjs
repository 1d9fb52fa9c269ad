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

/** @returns {Promise<typeof import('../../src/ffmpeg.ts')>} */
export function loadFfmpeg() {
  return import(new URL('../../dist/ffmpeg.js', import.meta.url).href);
}

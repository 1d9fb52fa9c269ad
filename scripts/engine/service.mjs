// @ts-check

/**
 * Parts of the compiled service, which the scripts share.
 * @returns {Promise<{
 *   engines: typeof import('../../src/engine/index.ts'),
 *   extraction: typeof import('../../src/extraction/index.ts'),
 *   settings: typeof import('../../src/config.ts'),
 *   posts: typeof import('../../src/posts/url.ts'),
 *   ffmpeg: typeof import('../../src/ffmpeg/index.ts'),
 *   egress: typeof import('../../src/egress/index.ts'),
 * }>}
 */
export async function loadService() {
  const [engines, extraction, settings, posts, ffmpeg, egress] = await Promise.all(
    [
      'engine/index.js',
      'extraction/index.js',
      'config.js',
      'posts/url.js',
      'ffmpeg/index.js',
      'egress/index.js',
    ].map((path) => import(new URL(`../../dist/${path}`, import.meta.url).href)),
  );
  return { engines, extraction, settings, posts, ffmpeg, egress };
}

/**
 * The settings that engines need. An update that the service starts gets no ENCRYPTION_KEY, which production requires.
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

/**
 * Starts an engine as the service would, and lets it read a made-up page, and CANARY_URL's post where that is set.
 * @param {import('../../src/engine/index.ts').Engine} engine
 * @param {import('../../src/config.ts').Config} config
 * @param {string} runDir a temporary folder
 */
export async function verifyEngine(engine, { extraction: settings, egress }, runDir) {
  const [{ extraction, posts, egress: egresses }, { pino }] = await Promise.all([
    loadService(),
    import('pino'),
  ]);
  const { canaryUrl, cookiesPath, timeoutMs } = settings;
  const [first] = egress.proxies;
  const proxy = first ? egresses.withSession(first.reveal()).reveal() : null;
  return extraction.verifyEngine({
    engine,
    runDir,
    cookiesPath,
    caFile: egress.extraCaFile,
    log: pino({ level: 'silent' }),
    canary: canaryUrl === null ? null : { link: posts.findPostLink(canaryUrl), proxy, timeoutMs },
  });
}

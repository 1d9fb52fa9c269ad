// @ts-check
import { join } from 'node:path';
import { SetupError } from './report.mjs';

/** The page, its service worker and its style. Each language but English becomes a file of its own. */
const ENTRIES = ['src/web/main.ts', 'src/web/sw.ts', 'src/web/style.css'];
const OUTPUT = 'dist/web';

/**
 * Bundles the page, so that a browser fetches few files. The compiler checks the types.
 * @param {string} root
 * @returns {Promise<string[]>} the files written
 */
export async function bundlePage(root) {
  // Imported here, because set-up starts before any package is installed.
  const { build } = await import('esbuild');
  const bundle = await build({
    absWorkingDir: root,
    entryPoints: ENTRIES,
    outdir: OUTPUT,
    bundle: true,
    splitting: true,
    chunkNames: 'lang/[name]',
    format: 'esm',
    target: 'es2022',
    // Escapes would make Arabic text three times as long.
    charset: 'utf8',
    minify: true,
    metafile: true,
    logLevel: 'warning',
  }).catch((error) => {
    throw new SetupError(`the page could not be bundled: ${error.message}`);
  });
  return Object.keys(bundle.metafile.outputs).map((file) => join(root, file));
}

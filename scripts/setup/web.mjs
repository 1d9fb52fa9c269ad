// @ts-check
import { join } from 'node:path';
import { SetupError } from './report.mjs';

/** What a browser gets: the page, its worker and its style. Languages but English become files of their own. */
const ENTRIES = ['src/web/main.ts', 'src/web/sw.ts', 'src/web/style.css'];
const OUTPUT = 'dist/web';

/**
 * Makes the page's few files of its many: a browser that has to fetch eighteen modules takes twice as long until the
 * page can be used. Types are the compiler's business; this only takes them out.
 * @param {string} root
 * @returns {Promise<string[]>} the files written
 */
export async function bundlePage(root) {
  // Imported only now: set-up runs before there is any package.
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
    // Else each letter of Arabic would take six bytes.
    charset: 'utf8',
    minify: true,
    metafile: true,
    logLevel: 'warning',
  }).catch((error) => {
    throw new SetupError(`the page could not be bundled: ${error.message}`);
  });
  return Object.keys(bundle.metafile.outputs).map((file) => join(root, file));
}

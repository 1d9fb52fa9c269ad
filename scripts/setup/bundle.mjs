// @ts-check
import { join } from 'node:path';
import { SetupError } from './report.mjs';

/** @type {import('esbuild').BuildOptions[]} */
const BUNDLES = [
  // The page, its workers and its style; each language but English becomes a file of its own.
  {
    entryPoints: ['src/web/main.ts', 'src/web/sw.ts', 'src/web/solver.ts', 'src/web/style.css'],
    outdir: 'dist/web',
    splitting: true,
    chunkNames: 'lang/[name]',
    format: 'esm',
    target: 'es2022',
    // Escapes would make Arabic text three times as long.
    charset: 'utf8',
    minify: true,
  },
  // One CommonJS file for worker threads: each thread that imports modules keeps a module loader in memory.
  {
    entryPoints: ['src/extraction/worker.ts'],
    outfile: 'dist/extraction/worker.cjs',
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    sourcemap: true,
  },
];

/**
 * Bundles what is not loaded as single modules. The compiler checks the types.
 * @param {string} root
 * @returns {Promise<string[]>} the files written
 */
export async function bundle(root) {
  // Imported here, because set-up starts before any package is installed.
  const { build } = await import('esbuild');
  const common = {
    absWorkingDir: root,
    bundle: true,
    metafile: true,
    logLevel: /** @type {const} */ ('warning'),
  };
  try {
    const built = await Promise.all(BUNDLES.map((options) => build({ ...options, ...common })));
    return built.flatMap(({ metafile }) =>
      Object.keys(metafile?.outputs ?? {}).map((file) => join(root, file)),
    );
  } catch (error) {
    throw new SetupError(`bundling failed: ${error instanceof Error ? error.message : error}`);
  }
}

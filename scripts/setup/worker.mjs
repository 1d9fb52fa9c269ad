// @ts-check
import { join } from 'node:path';
import { SetupError } from './report.mjs';

const ENTRY = 'src/extraction/worker.ts';
const OUTPUT = 'dist/extraction/worker.cjs';

/**
 * Makes one CommonJS file of all that a worker thread loads. Twenty threads that import modules each keep a module
 * loader of their own: 1 MB a thread on Node 24, 0.3 MB on Node 20 (docs/PERFORMANCE.md).
 * @param {string} root
 * @returns {Promise<string[]>} the files written
 */
export async function bundleWorker(root) {
  // Imported only now: set-up runs before there is any package.
  const { build } = await import('esbuild');
  await build({
    absWorkingDir: root,
    entryPoints: [ENTRY],
    outfile: OUTPUT,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    sourcemap: true,
    logLevel: 'warning',
  }).catch((error) => {
    throw new SetupError(`the worker could not be bundled: ${error.message}`);
  });
  return [join(root, OUTPUT)];
}

// @ts-check
import { join } from 'node:path';
import { SetupError } from './report.mjs';

const ENTRY = 'src/extraction/worker.ts';
const OUTPUT = 'dist/extraction/worker.cjs';

/**
 * Bundles what a worker thread loads into one CommonJS file: each thread that imports modules keeps a module loader in memory.
 * @param {string} root
 * @returns {Promise<string[]>} the files written
 */
export async function bundleWorker(root) {
  // Imported here, because set-up starts before any package is installed.
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

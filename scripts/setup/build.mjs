// @ts-check
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { report, SetupError } from './report.mjs';
import { run } from './run.mjs';
import { filesUnder, hashOf, readStamp } from './stamp.mjs';
import { bundlePage } from './web.mjs';
import { bundleWorker } from './worker.mjs';

const STAMP = 'dist/.setup-stamp';
const SOURCES = [
  'src',
  'tsconfig.json',
  'tsconfig.build.json',
  'scripts/setup/build.mjs',
  'scripts/setup/web.mjs',
  'scripts/setup/worker.mjs',
];
/** What src holds beside TypeScript and the service reads at run time: the yt-dlp host's Python, the web page, … */
const CODE = /\.(ts|js|mjs)$/;
/** The service; the web page and its worker, which know a browser's objects and not Node's and are only checked. */
const PROJECTS = ['tsconfig.build.json', 'src/web/tsconfig.json', 'src/web/tsconfig.worker.json'];
const PROJECT_FILE = /^tsconfig.*\.json$/;
/** What of the page goes through the bundler instead. */
const BUNDLED = /^src\/web\/.*\.(ts|css)$/;

/**
 * Whether dist was made from these very sources. An image without src has its build inside.
 * @param {string} root
 */
export function isBuilt(root) {
  if (!existsSync(join(root, 'src'))) return existsSync(join(root, 'dist/main.js'));
  return readStamp(join(root, STAMP)) === hashOf(root, SOURCES);
}

/**
 * Compiles src to dist, bundles the page and the worker, and copies beside it what is neither.
 * @param {string} root
 */
export async function build(root) {
  if (isBuilt(root)) return;
  const started = Date.now();
  const hash = hashOf(root, SOURCES);
  // First of all, so that an interrupted build is not taken for a whole one.
  rmSync(join(root, STAMP), { force: true });
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  for (const project of PROJECTS) {
    const outcome = await run(process.execPath, [tsc, '-p', project, '--noEmitOnError'], {
      timeoutMs: 5 * 60_000,
      cwd: root,
    });
    if (!outcome.ok) {
      process.stderr.write(outcome.stdout + outcome.stderr);
      throw new SetupError(
        'the build failed: mend what the compiler says above (`npm run typecheck` repeats it).',
      );
    }
  }
  const sources = filesUnder(join(root, 'src')).filter(
    (file) => !PROJECT_FILE.test(basename(file)) && !BUNDLED.test(relative(root, file)),
  );
  const kept = new Set([
    ...sources.map((file) => place(root, file)),
    ...(await bundlePage(root)),
    ...(await bundleWorker(root)),
  ]);
  removeLeftOvers(root, kept);
  writeFileSync(join(root, STAMP), `${hash}\n`);
  report(`built dist (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

/**
 * Puts one source where the service looks for it.
 * @param {string} root
 * @param {string} source
 * @returns {string} its path in dist; compiled code is there already
 */
function place(root, source) {
  const target = join(root, 'dist', relative(join(root, 'src'), source));
  if (CODE.test(source)) return target.replace(/\.ts$/, '.js');
  mkdirSync(dirname(target), { recursive: true });
  cpSync(source, target);
  return target;
}

/**
 * Files of sources that are gone would still be imported, or packed into an image.
 * @param {string} root
 * @param {ReadonlySet<string>} kept
 */
function removeLeftOvers(root, kept) {
  for (const file of filesUnder(join(root, 'dist'))) {
    if (!kept.has(file.replace(/\.map$/, ''))) rmSync(file);
  }
}

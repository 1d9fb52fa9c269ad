// @ts-check
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { bundle } from './bundle.mjs';
import { report, SetupError } from './report.mjs';
import { run } from './run.mjs';
import { filesUnder, hashOf, readStamp } from './stamp.mjs';

const STAMP = 'dist/.setup-stamp';
const SOURCES = [
  'src',
  'tsconfig.json',
  'tsconfig.build.json',
  'scripts/setup/build.mjs',
  'scripts/setup/bundle.mjs',
];
/** Compiled; everything else in src is copied, such as the yt-dlp host's Python. */
const CODE = /\.(ts|js|mjs)$/;
/** The service; the web page and its service worker, which are only type-checked. */
const PROJECTS = ['tsconfig.build.json', 'src/web/tsconfig.json', 'src/web/tsconfig.worker.json'];
const PROJECT_FILE = /^tsconfig.*\.json$/;
/** Bundled instead of copied. */
const BUNDLED = /^src\/web\/.*\.(ts|css)$/;

/**
 * Whether dist was built from the current sources. An image has dist and no src.
 * @param {string} root
 */
export function isBuilt(root) {
  if (!existsSync(join(root, 'src'))) return existsSync(join(root, 'dist/main.js'));
  return readStamp(join(root, STAMP)) === hashOf(root, SOURCES);
}

/**
 * Compiles src to dist, bundles the page and the worker, and copies the other files.
 * @param {string} root
 */
export async function build(root) {
  if (isBuilt(root)) return;
  const started = Date.now();
  const hash = hashOf(root, SOURCES);
  // Removed first, so that an interrupted build has no stamp.
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
        'the build failed: fix the compiler errors above (`npm run typecheck` repeats them).',
      );
    }
  }
  const sources = filesUnder(join(root, 'src')).filter(
    (file) => !PROJECT_FILE.test(basename(file)) && !BUNDLED.test(relative(root, file)),
  );
  const kept = new Set([...sources.map((file) => place(root, file)), ...(await bundle(root))]);
  removeLeftOvers(root, kept);
  writeFileSync(join(root, STAMP), `${hash}\n`);
  report(`built dist (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

/**
 * Copies one source to dist, unless it is compiled.
 * @param {string} root
 * @param {string} source
 * @returns {string} its path in dist
 */
function place(root, source) {
  const target = join(root, 'dist', relative(join(root, 'src'), source));
  if (CODE.test(source)) return target.replace(/\.ts$/, '.js');
  mkdirSync(dirname(target), { recursive: true });
  cpSync(source, target);
  return target;
}

/**
 * Removes what belongs to sources that no longer exist.
 * @param {string} root
 * @param {ReadonlySet<string>} kept
 */
function removeLeftOvers(root, kept) {
  for (const file of filesUnder(join(root, 'dist'))) {
    if (!kept.has(file.replace(/\.map$/, ''))) rmSync(file);
  }
}

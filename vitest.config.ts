import { delimiter, join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';

/** Folder of the ffmpeg that set-up installs where the machine has none; tests call it by its name. */
const OWN_FFMPEG = join(import.meta.dirname, '.ffmpeg');

const SLOW = 'test/**/*.slow.test.ts';
const WEB = 'test/web/**/*.test.ts';
/**
 * Tests that start services, servers or other programs of their own, and those that keep Node's few threads busy: in one
 * process, the pictures of one test would hold up the sockets and names of another.
 */
const E2E = ['e2e', 'deploy', 'engine', 'scripts', 'pictures', 'slideshow', 'cache'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

/** One worker a core of the smallest machine that runs the tests: more of them only make timing luck. */
const MAX_WORKERS = 2;

export default defineConfig({
  test: {
    env: { PATH: [OWN_FFMPEG, process.env.PATH].join(delimiter) },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: MAX_WORKERS,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...E2E, WEB, SLOW],
          pool: 'threads',
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: 'e2e', include: E2E, exclude: [...configDefaults.exclude, SLOW] },
      },
      {
        extends: true,
        test: {
          name: 'web',
          include: [WEB],
          exclude: [...configDefaults.exclude, SLOW],
          // One worker shares one Chromium, one service and one stand-in among all files; its tests run side by side.
          maxWorkers: 1,
          isolate: false,
          maxConcurrency: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          include: [SLOW],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});

import { delimiter, join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Where set-up puts an ffmpeg when the machine has none that will do; the tests call it by its name. */
const OWN_FFMPEG = join(import.meta.dirname, '.ffmpeg');

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    env: { PATH: [OWN_FFMPEG, process.env.PATH].join(delimiter) },
    // End-to-end tests start a yt-dlp host, and the machine may be busy; a unit test that hangs is told from them by name.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Each file of the end-to-end tests has processes of its own: more at once on two cores only makes timing luck.
    maxWorkers: 2,
  },
});

/**
 * The render process: one for each slideshow. Decoders fed with strangers' pictures, and hundreds of megabytes of
 * pixels on their way to ffmpeg, have no place in the process that answers requests; and a process can be killed in
 * the middle of anything. Speaks `messages.ts` over Node's IPC channel; when that closes, the service is
 * gone, and so are this process and its ffmpegs.
 */
import { availableParallelism, setPriority } from 'node:os';
import { FfmpegFailed } from '../ffmpeg/index.ts';
import { encodeSlideshow } from './encode.ts';
import type { RenderReply, RenderRequest } from './messages.ts';

// First of all, so that the threads and processes started from here inherit it: requests come before renders.
setPriority(19);

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
process.once('disconnect', () => stop.abort());
process.once('message', (order: RenderRequest) => {
  void work(order);
});

async function work(order: RenderRequest): Promise<void> {
  try {
    // More threads than this gain nothing on single pictures, and each holds some of its own.
    const threads = Math.min(4, availableParallelism());
    await encodeSlideshow(order, {
      threads,
      signal: stop.signal,
      onSlide: (done) => reply({ kind: 'slide', done }),
    });
    await reply({ kind: 'finished' });
    process.exit(0);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    await reply({ kind: 'failed', message, stderr: error instanceof FfmpegFailed ? error.stderr : '' });
    process.exit(1);
  }
}

/** Resolves when the message has left, or cannot. */
function reply(message: RenderReply): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected || !process.send) resolve();
    else process.send(message, () => resolve());
  });
}

/**
 * The render process, one for each slideshow: decoders of untrusted photos run outside the process that serves
 * requests. Speaks messages.ts over Node's IPC channel; when the channel closes, the service is gone and this ends.
 */
import { availableParallelism, setPriority } from 'node:os';
import { FfmpegFailed, offerToOomKiller } from '../ffmpeg/index.ts';
import { encodeSlideshow } from './encode.ts';
import type { RenderReply, RenderRequest } from './messages.ts';

// First, for threads and processes to inherit: requests come before renders.
setPriority(19);
await offerToOomKiller('self');

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
process.once('disconnect', () => stop.abort());
process.once('message', (request: RenderRequest) => {
  void work(request);
});

async function work(request: RenderRequest): Promise<void> {
  try {
    // More threads gain nothing on single frames, and each takes memory.
    const threads = Math.min(4, availableParallelism());
    await encodeSlideshow(request, {
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

/** Resolves when the message is sent, or cannot be. */
function reply(message: RenderReply): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected || !process.send) resolve();
    else process.send(message, () => resolve());
  });
}

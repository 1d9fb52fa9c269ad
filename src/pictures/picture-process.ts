/**
 * A picture process: decoders of untrusted pictures run outside the process that serves requests. Speaks messages.ts
 * over Node's IPC channel; when the channel closes, this ends.
 */
import { getPriority, setPriority } from 'node:os';
import { offerToOomKiller } from '../ffmpeg/index.ts';
import { writeJpeg } from './jpeg.ts';
import type { PictureReply, PictureRequest } from './messages.ts';

/** Before renders, which nobody looks at, and after requests; a service with a lower priority keeps it. */
setPriority(Math.max(10, getPriority()));
await offerToOomKiller('self');

/** Bytes beyond which a process is replaced: WebAssembly gives no memory back. */
const TIRED_BYTES = 256 * 1024 * 1024;

process.once('disconnect', () => process.exit(0));
process.on('message', ({ from, to, form }: PictureRequest) => {
  const reply = (error: string | null) => {
    const tired = process.memoryUsage.rss() > TIRED_BYTES;
    process.send?.({ error, tired } satisfies PictureReply, () => undefined);
  };
  writeJpeg(from, to, form).then(
    () => reply(null),
    (error) => reply(error instanceof Error ? error.message : String(error)),
  );
});

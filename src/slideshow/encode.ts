import { access, constants, rename } from 'node:fs/promises';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FfmpegFailed, type FfmpegRun, ffmpegToFile, ffmpegToStream } from '../ffmpeg/index.ts';
import { assertWholeMp4 } from './assert-whole-mp4.ts';
import { FrameRepeater } from './frame-repeater.ts';
import type { RenderRequest } from './messages.ts';
import { photoOnCanvas } from './photo.ts';
import {
  FRAME_INPUT,
  PICTURE_INPUT,
  pictureOutput,
  planSlideshow,
  SOUND_INPUT,
  slideshowOutput,
} from './plan.ts';

interface EncodeOptions {
  /** Encoder threads. */
  threads: number;
  signal: AbortSignal;
  onSlide: (slidesDone: number) => void;
}

/** Photos decoded at the same time: the next ones while one is encoded. */
const PHOTOS_AT_ONCE = 2;

/**
 * photos → pictures → [ffmpeg: key frames] → repeats put in → [ffmpeg: sound, MP4] → `order.output`.
 * All of it runs at the same time, and has ended one way or the other when this returns.
 *
 * @throws FfmpegFailed, or Error where a photo does not decode or the result is not what was planned.
 */
export async function encodeSlideshow(
  order: RenderRequest,
  { threads, signal, onSlide }: EncodeOptions,
): Promise<void> {
  const { ffmpegPath, sound } = order;
  // Said at once and in these words; two ffmpegs that cannot be started end each other in any order.
  await access(ffmpegPath, constants.X_OK);
  const plan = planSlideshow(order.photos.length, order.slideSeconds);
  const pictures = Readable.from(decode(order.photos), { objectMode: false });
  const encoder = ffmpegToStream({
    ffmpegPath,
    inputs: [{ source: pictures, options: PICTURE_INPUT }],
    outputOptions: pictureOutput(threads),
  });
  const frames = new PassThrough();
  const unfinished = `${order.output}.part.mp4`;
  const muxer = ffmpegToFile(
    {
      ffmpegPath,
      inputs: [
        { source: frames, options: FRAME_INPUT },
        ...(sound === null ? [] : [{ source: sound, options: SOUND_INPUT }]),
      ],
      outputOptions: slideshowOutput(plan, sound !== null),
    },
    unfinished,
  );
  const pouring = pipeline(wholeOf(encoder), new FrameRepeater(plan.slideFrames, onSlide), frames);
  await allOrNone([encoder, muxer], pouring, signal);
  await assertWholeMp4(unfinished, plan.totalFrames);
  await rename(unfinished, order.output);
}

/** What the process writes; ends only when it has ended well, so that half a stream is never taken for a short one. */
async function* wholeOf(run: FfmpegRun & { stream: Readable }): AsyncGenerator<Buffer> {
  yield* run.stream;
  await run.finished;
}

/** The photos' pictures in order, decoded ahead of their use. */
async function* decode(photos: string[]): AsyncGenerator<Buffer> {
  const ahead: Promise<Buffer>[] = [];
  for (let next = 0; next < photos.length || ahead.length > 0; ) {
    for (; ahead.length < PHOTOS_AT_ONCE && next < photos.length; next++) {
      const picture = photoOnCanvas(photos[next] as string);
      picture.catch(() => undefined);
      ahead.push(picture);
    }
    yield (await ahead.shift()) as Buffer;
  }
}

/** Waits for everything; at the first failure or abort kills the rest, waits for its end, and throws what was first. */
async function allOrNone(runs: FfmpegRun[], pouring: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<never>((_, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    await Promise.race([aborted, Promise.all([pouring, ...runs.map((run) => run.finished)])]);
  } catch (error) {
    for (const run of runs) void run.kill();
    const ends = await Promise.allSettled(runs.map((run) => run.finished));
    const words = ends.map((end) =>
      end.status === 'rejected' && end.reason instanceof FfmpegFailed ? end.reason.stderr : '',
    );
    throw new FfmpegFailed(
      error instanceof Error ? error : new Error(String(error)),
      words.join('\n').trim(),
    );
  }
}

import { access, constants, rename } from 'node:fs/promises';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { abortable } from '../concurrency/index.ts';
import { FfmpegFailed, type FfmpegRun, ffmpegToFile, ffmpegToStream, SOUND_INPUT } from '../ffmpeg/index.ts';
import { assertWholeMp4 } from './assert-whole-mp4.ts';
import { FrameRepeater } from './frame-repeater.ts';
import type { RenderRequest } from './messages.ts';
import { photoOnCanvas, sizeOfPhoto } from './photo.ts';
import {
  autoCanvas,
  FRAME_INPUT,
  photoInput,
  photoOutput,
  planSlideshow,
  type Size,
  slideshowOutput,
} from './plan.ts';

interface EncodeOptions {
  /** Encoder threads. */
  threads: number;
  signal: AbortSignal;
  onSlide: (slidesDone: number) => void;
}

/** Photos decoded at a time, ahead of the encoder. */
const DECODES_AT_ONCE = 2;

/**
 * photos → raw frames → [ffmpeg: key frames] → repeats inserted → [ffmpeg: sound, MP4] → `request.output`.
 * All stages run at the same time; none is left when this settles.
 * @throws FfmpegFailed; Error where a photo does not decode or the result is not what was planned
 */
export async function encodeSlideshow(
  request: RenderRequest,
  { threads, signal, onSlide }: EncodeOptions,
): Promise<void> {
  const { ffmpegPath, sound } = request;
  // Checked first: two ffmpegs that cannot start would end each other in any order.
  await access(ffmpegPath, constants.X_OK);
  const { photos } = request;
  const canvas =
    request.canvas === 'auto' ? autoCanvas(await Promise.all(photos.map(sizeOfPhoto))) : request.canvas;
  const plan = planSlideshow(photos.length, request.slideSeconds ?? (await spread(request, signal)));
  const rawFrames = Readable.from(decode(photos, canvas), { objectMode: false });
  const encoder = ffmpegToStream({
    ffmpegPath,
    isolate: false,
    inputs: [{ source: rawFrames, options: photoInput(canvas) }],
    outputOptions: photoOutput(threads),
  });
  const frames = new PassThrough();
  const partial = `${request.output}.part.mp4`;
  const muxer = ffmpegToFile(
    {
      ffmpegPath,
      isolate: false,
      inputs: [
        { source: frames, options: FRAME_INPUT },
        ...(sound === null ? [] : [{ source: sound, options: SOUND_INPUT }]),
      ],
      outputOptions: slideshowOutput(plan, sound !== null),
    },
    partial,
  );
  const repeating = pipeline(wholeOf(encoder), new FrameRepeater(plan.slideFrames, onSlide), frames);
  await allOrNone([encoder, muxer], repeating, signal);
  await assertWholeMp4(partial, plan.totalFrames);
  await rename(partial, request.output);
}

/** Seconds of each slide at least. */
const MIN_SLIDE_SECONDS = 0.5;
/** Seconds of sound that slides are spread over at most. */
const MAX_SPREAD_SECONDS = 5 * 60;
/** Samples of 2 bytes a second, for measuring a sound. */
const MEASURING_RATE = 8000;

/** Seconds of each slide where all of them take as long as the sound, whose tags may lie about its length. */
async function spread({ ffmpegPath, sound, photos }: RenderRequest, signal: AbortSignal): Promise<number> {
  if (sound === null) throw new Error('no sound to spread the slides over');
  const run = ffmpegToStream({
    ffmpegPath,
    isolate: false,
    inputs: [{ source: sound, options: SOUND_INPUT }],
    outputOptions: [
      ...['-map', '0:a:0', '-ac', '1', '-ar', String(MEASURING_RATE), '-f', 's16le'],
      ...['-t', String(MAX_SPREAD_SECONDS)],
    ],
  });
  let bytes = 0;
  const counting = (async () => {
    for await (const chunk of run.stream) bytes += (chunk as Buffer).length;
  })();
  await allOrNone([run], counting, signal);
  return Math.max(MIN_SLIDE_SECONDS, bytes / 2 / MEASURING_RATE / photos.length);
}

/** The output of a run; ends only after the run has succeeded, so that no cut stream counts as a short one. */
async function* wholeOf(run: FfmpegRun & { stream: Readable }): AsyncGenerator<Buffer> {
  yield* run.stream;
  await run.finished;
}

/** Raw frames of the photos in order, decoded ahead. */
async function* decode(photos: string[], canvas: Size): AsyncGenerator<Buffer> {
  const ahead: Promise<Buffer>[] = [];
  for (let next = 0; next < photos.length || ahead.length > 0; ) {
    for (; ahead.length < DECODES_AT_ONCE && next < photos.length; next++) {
      const frame = photoOnCanvas(photos[next] as string, canvas);
      frame.catch(() => undefined);
      ahead.push(frame);
    }
    yield (await ahead.shift()) as Buffer;
  }
}

/** Waits for all stages. At the first failure or abort kills the runs and waits for their exit. */
async function allOrNone(runs: FfmpegRun[], repeating: Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    await abortable(Promise.all([repeating, ...runs.map((run) => run.finished)]), signal);
  } catch (error) {
    for (const run of runs) void run.kill();
    const ends = await Promise.allSettled(runs.map((run) => run.finished));
    const stderr = ends.map((end) =>
      end.status === 'rejected' && end.reason instanceof FfmpegFailed ? end.reason.stderr : '',
    );
    const cause = error instanceof Error ? error : new Error(String(error));
    throw new FfmpegFailed(cause, stderr.join('\n').trim());
  }
}

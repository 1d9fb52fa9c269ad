import { access, constants, rename } from 'node:fs/promises';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { abortable } from '../concurrency/index.ts';
import { sizeOfPicture } from '../decoding/index.ts';
import {
  assertWholeMp4,
  FfmpegFailed,
  type FfmpegRun,
  ffmpegToFile,
  ffmpegToStream,
  SOUND_INPUT,
} from '../ffmpeg/index.ts';
import { FrameRepeater } from './frame-repeater.ts';
import type { RenderRequest } from './messages.ts';
import { photoOnCanvas } from './photo.ts';
import {
  autoCanvas,
  CLIP_INPUT,
  clipOutput,
  FRAME_INPUT,
  MAX_CLIP_FRAMES,
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
    request.canvas === 'auto' ? autoCanvas(await Promise.all(photos.map(sizeOfPicture))) : request.canvas;
  const plan = planSlideshow(photos.length, request.slideSeconds ?? (await spread(request, signal)));
  const ownFrames = plan.slideFrames.map((frames, slide) =>
    request.clips?.[slide] ? Math.min(frames, MAX_CLIP_FRAMES) : 1,
  );
  const rawFrames = Readable.from(decode(request, canvas, ownFrames), { objectMode: false });
  const encoder = ffmpegToStream({
    ffmpegPath,
    isolate: false,
    inputs: [{ source: rawFrames, options: photoInput(canvas) }],
    outputOptions: photoOutput(threads, ownFrames),
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
  const repeating = pipeline(
    wholeOf(encoder),
    new FrameRepeater(plan.slideFrames, ownFrames, onSlide),
    frames,
  );
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

/** Raw frames of the slides in order; photos are decoded ahead. */
async function* decode(
  { ffmpegPath, photos, clips = [] }: RenderRequest,
  canvas: Size,
  ownFrames: readonly number[],
): AsyncGenerator<Buffer> {
  const ahead: Promise<Buffer>[] = [];
  for (let next = 0; next < photos.length || ahead.length > 0; ) {
    for (; ahead.length < DECODES_AT_ONCE && next < photos.length; next++) {
      const frame = photoOnCanvas(photos[next] as string, canvas);
      frame.catch(() => undefined);
      ahead.push(frame);
    }
    const slide = next - ahead.length;
    const still = (await ahead.shift()) as Buffer;
    const clip = clips[slide];
    if (clip) yield* framesOfClip({ ffmpegPath, clip, still, canvas, count: ownFrames[slide] ?? 1 });
    else yield still;
  }
}

interface Clip {
  ffmpegPath: string;
  clip: string;
  /** Shown where the clip does not decode. */
  still: Buffer;
  canvas: Size;
  count: number;
}

/** Exactly `count` raw frames: the clip, and its last frame for the rest. */
async function* framesOfClip({ ffmpegPath, clip, still, canvas, count }: Clip): AsyncGenerator<Buffer> {
  const run = ffmpegToStream({
    ffmpegPath,
    isolate: false,
    inputs: [{ source: clip, options: CLIP_INPUT }],
    outputOptions: clipOutput(canvas, count),
  });
  let last = still;
  let sent = 0;
  let filled = 0;
  try {
    let frame = Buffer.allocUnsafe(still.length);
    for await (const chunk of run.stream as AsyncIterable<Buffer>) {
      for (let read = 0; read < chunk.length && sent < count; ) {
        const copied = chunk.copy(frame, filled, read);
        read += copied;
        filled += copied;
        if (filled < frame.length) break;
        yield frame;
        [last, frame, filled] = [frame, Buffer.allocUnsafe(still.length), 0];
        sent += 1;
      }
    }
  } catch {
    // A clip that does not decode.
  } finally {
    await run.kill();
  }
  for (; sent < count; sent++) yield last;
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

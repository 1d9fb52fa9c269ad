import { Transform, type TransformCallback } from 'node:stream';
import { MAX_KEY_INTERVAL, REPEAT_FRAMES } from './plan.ts';

const NAL = { slice: 1, keySlice: 5 } as const;
const START_CODE = Buffer.from([0, 0, 1]);
/** A repeat takes 67 bytes for 8160 macroblocks; a larger one carries picture and would spoil other slides. */
const MAX_REPEAT_BYTES = 200;

/**
 * Turns the encoder's stream (a black key frame, its REPEAT_FRAMES repeats, then one key frame for each slide) into the
 * video: each slide's key frame and as many repeats as its duration takes, without the black lead.
 *
 * The result is valid H.264: with one reference and no B-frames x264 numbers frames from the last key frame on, modulo
 * REPEAT_FRAMES, so the n-th repeat after any key frame has the same bits.
 */
export class FrameRepeater extends Transform {
  readonly #slideFrames: readonly number[];
  readonly #onSlide: (slidesDone: number) => void;
  readonly #repeats: Buffer[] = [];
  #pending: Buffer = Buffer.alloc(0);
  /** Offset in #pending where the search for the next start code goes on. */
  #searched = 0;
  /** Parameter sets of the next slice. */
  #headers: Buffer[] = [];
  #keyFrames = 0;

  constructor(slideFrames: readonly number[], onSlide: (slidesDone: number) => void) {
    super();
    this.#slideFrames = slideFrames;
    this.#onSlide = onSlide;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    try {
      this.#takeUnits();
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    try {
      if (this.#pending.length > 0) this.#take(this.#pending);
      const slides = Math.max(0, this.#keyFrames - 1);
      if (slides !== this.#slideFrames.length) {
        throw new Error(`the encoder made ${slides} key frames for ${this.#slideFrames.length} slides`);
      }
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  #takeUnits(): void {
    for (;;) {
      // The unit's own start code is at 0, or at 1 where it has four bytes.
      const next = this.#pending.indexOf(START_CODE, Math.max(this.#searched, 2));
      if (next < 0) {
        this.#searched = Math.max(0, this.#pending.length - 2);
        return;
      }
      const end = this.#pending[next - 1] === 0 ? next - 1 : next;
      this.#take(this.#pending.subarray(0, end));
      this.#pending = this.#pending.subarray(end);
      this.#searched = 0;
    }
  }

  #take(unit: Buffer): void {
    const type = (unit[unit.indexOf(START_CODE) + START_CODE.length] ?? 0) & 0x1f;
    if (type === NAL.keySlice) {
      const picture = Buffer.concat([...this.#headers, unit]);
      this.#headers = [];
      this.#keyFrames += 1;
      if (this.#keyFrames > 1) this.#writeSlide(picture, this.#keyFrames - 2);
    } else if (type === NAL.slice) {
      if (unit.length > MAX_REPEAT_BYTES)
        throw new Error(`a repeat frame of ${unit.length} bytes is not empty`);
      this.#repeats.push(Buffer.from(unit));
    } else {
      this.#headers.push(Buffer.from(unit));
    }
  }

  #writeSlide(keyFrame: Buffer, slide: number): void {
    if (this.#repeats.length !== REPEAT_FRAMES)
      throw new Error(`${this.#repeats.length} repeats, not ${REPEAT_FRAMES}`);
    const frames = this.#slideFrames[slide];
    if (frames === undefined) throw new Error('the encoder made more key frames than slides');
    for (let frame = 0; frame < frames; frame++) {
      const sinceKey = frame % MAX_KEY_INTERVAL;
      // The n-th frame after a key frame has the number n; repeats begin with number 1.
      this.push(sinceKey === 0 ? keyFrame : this.#repeats[(sinceKey - 1) % REPEAT_FRAMES]);
    }
    this.#onSlide(slide + 1);
  }
}

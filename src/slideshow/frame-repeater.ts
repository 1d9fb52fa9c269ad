import { Transform, type TransformCallback } from 'node:stream';
import { MAX_KEY_INTERVAL, REPEAT_FRAMES } from './plan.ts';

const NAL = { slice: 1, keySlice: 5 } as const;
const START_CODE = Buffer.from([0, 0, 1]);
/** A repeat takes 67 bytes for 8160 macroblocks; a larger one carries picture and would spoil other slides. */
const MAX_REPEAT_BYTES = 200;

/**
 * Turns the encoder's stream (a black key frame, its REPEAT_FRAMES repeats, then each slide: a key frame, of a clip more
 * frames) into the video: each slide's own frames and as many repeats as its duration takes, without the black lead.
 *
 * The result is valid H.264: with one reference and no B-frames x264 numbers frames from the last key frame on, modulo
 * REPEAT_FRAMES, so the n-th repeat after any key frame has the same bits.
 */
export class FrameRepeater extends Transform {
  readonly #slideFrames: readonly number[];
  readonly #ownFrames: readonly number[];
  readonly #onSlide: (slidesDone: number) => void;
  readonly #repeats: Buffer[] = [];
  #pending: Buffer = Buffer.alloc(0);
  /** Offset in #pending where the search for the next start code goes on. */
  #searched = 0;
  /** Parameter sets of the next slice. */
  #headers: Buffer[] = [];
  #keyFrames = 0;
  /** Own frames of the last slide so far. */
  #taken = 0;

  /** @param ownFrames frames that the encoder makes of each slide: 1 of a photo */
  constructor(
    slideFrames: readonly number[],
    ownFrames: readonly number[],
    onSlide: (slidesDone: number) => void,
  ) {
    super();
    this.#ownFrames = ownFrames;
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
      this.#assertWhole(slides - 1);
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
      if (this.#keyFrames > 1) this.#begin(picture, this.#keyFrames - 2);
    } else if (type === NAL.slice && this.#keyFrames > 1) {
      this.#takeOwn(unit, this.#keyFrames - 2);
    } else if (type === NAL.slice) {
      if (unit.length > MAX_REPEAT_BYTES)
        throw new Error(`a repeat frame of ${unit.length} bytes is not empty`);
      this.#repeats.push(Buffer.from(unit));
    } else {
      this.#headers.push(Buffer.from(unit));
    }
  }

  #begin(keyFrame: Buffer, slide: number): void {
    if (this.#repeats.length !== REPEAT_FRAMES)
      throw new Error(`${this.#repeats.length} repeats, not ${REPEAT_FRAMES}`);
    if (this.#slideFrames[slide] === undefined)
      throw new Error('the encoder made more key frames than slides');
    this.#assertWhole(slide - 1);
    this.#taken = 0;
    this.#takeOwn(keyFrame, slide);
  }

  #takeOwn(frame: Buffer, slide: number): void {
    this.push(frame);
    this.#taken += 1;
    const [own = 1, frames = 0] = [this.#ownFrames[slide], this.#slideFrames[slide]];
    if (this.#taken < own) return;
    for (let next = own; next < frames; next++) {
      // A clip is no longer than a key interval, and cannot begin again at its key frame.
      const sinceKey = own === 1 ? next % MAX_KEY_INTERVAL : next;
      // The n-th frame after a key frame has the number n; repeats begin with number 1.
      this.push(sinceKey === 0 ? frame : this.#repeats[(sinceKey - 1) % REPEAT_FRAMES]);
    }
    this.#onSlide(slide + 1);
  }

  #assertWhole(slide: number): void {
    const own = this.#ownFrames[slide] ?? this.#taken;
    if (this.#taken !== own) throw new Error(`the encoder made ${this.#taken} frames of a clip of ${own}`);
  }
}

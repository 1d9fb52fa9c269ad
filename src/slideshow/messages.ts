import type { Size } from './plan.ts';

/** Messages between the service and a render process. The service sends one RenderRequest. */
export interface RenderRequest {
  ffmpegPath: string;
  /** Local files, in order. */
  photos: string[];
  /** The clip of each photo that is a live one: a local file, or null. */
  clips?: (string | null)[];
  /** Local file; null for silence. */
  sound: string | null;
  /** Seconds of each slide; null to spread the slides over the sound. */
  slideSeconds: number | null;
  canvas: Size | 'auto';
  /** Path of the MP4; appears whole or not at all. */
  output: string;
}

export type RenderReply =
  | { kind: 'slide'; done: number }
  | { kind: 'finished' }
  /** `stderr` is the tail of ffmpeg's where ffmpeg failed. */
  | { kind: 'failed'; message: string; stderr: string };

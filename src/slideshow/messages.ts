/** What the service and its render process say to each other. The service speaks first, once. */
export interface RenderRequest {
  ffmpegPath: string;
  /** Local files, in order. */
  photos: string[];
  /** Local file; null for silence. */
  sound: string | null;
  slideSeconds: number;
  /** Where the movie goes; written only as a whole. */
  output: string;
}

export type RenderReply =
  | { kind: 'slide'; done: number }
  | { kind: 'finished' }
  /** The last. `stderr` is the tail of ffmpeg's, where ffmpeg failed. */
  | { kind: 'failed'; message: string; stderr: string };

export { assertWholeMp4 } from './assert-whole-mp4.ts';
export { forkDecoder, killDecoder } from './decoder-process.ts';
export { JPEG_INPUT, MAX_PIXELS, PICTURE_INPUT, SOUND_INPUT } from './input-limits.ts';
export { canIsolate, decoderEnvironment, isolated, offerToOomKiller } from './isolation.ts';
export { locateFfmpeg } from './locate.ts';
export {
  FfmpegFailed,
  type FfmpegInput,
  type FfmpegRun,
  ffmpegToFile,
  ffmpegToStream,
  finishWithin,
} from './run.ts';

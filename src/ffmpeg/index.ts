export { locateFfmpeg } from './locate.ts';
export {
  FfmpegFailed,
  type FfmpegInput,
  type FfmpegRun,
  ffmpegToFile,
  ffmpegToStream,
  finishWithin,
} from './run.ts';

/**
 * What a slideshow looks like, and the ffmpeg options that make it. Pure.
 *
 * An H.264 frame that repeats the one before takes 67 bytes for the whole canvas. Each photo is encoded once, as a key
 * frame; the frames up to the next photo are such repeats, cut from a short black lead that the same encoder makes
 * first (see frame-repeater.ts). TikTok's Content Posting API takes 23 to 60 frames a second.
 */
import { MAX_PIXELS, SOUND_INPUT } from '../ffmpeg/index.ts';

/** Frames a second; constant. */
export const FRAME_RATE = 25;

/** Repeat frames that are encoded, to be copied: x264 numbers frames modulo 16 (`log2_max_frame_num` 4). */
export const REPEAT_FRAMES = 16;

/** Frames between two key frames at most, so that slow slideshows stay quick to seek. */
export const MAX_KEY_INTERVAL = 10 * FRAME_RATE;

/** Frames of a clip that are encoded at most; the last one stays for the rest of its slide. */
export const MAX_CLIP_FRAMES = MAX_KEY_INTERVAL;

const SAMPLE_RATE = 44_100;
const FADE_SECONDS = 0.5;

export interface SlideshowPlan {
  /** Frames of each slide, in order. */
  slideFrames: number[];
  totalFrames: number;
  /** Length of video and sound. */
  seconds: number;
}

/**
 * @param photos number of slides, 1 or more
 * @param slideSeconds duration of each; where that is no whole number of frames, slides differ by one frame
 */
export function planSlideshow(photos: number, slideSeconds: number): SlideshowPlan {
  const startOf = (slide: number) => Math.round(slide * slideSeconds * FRAME_RATE);
  const slideFrames = Array.from({ length: photos }, (_, slide) => startOf(slide + 1) - startOf(slide));
  const totalFrames = startOf(photos);
  return { slideFrames, totalFrames, seconds: totalFrames / FRAME_RATE };
}

/** Pixels. */
export interface Size {
  width: number;
  height: number;
}

export interface Placement extends Size {
  left: number;
  top: number;
}

/** Fits a photo whole and centred onto the canvas. All values are even: 4:2:0 colour has one sample for 2×2 pixels. */
export function fitOnCanvas(photo: Size, canvas: Size): Placement {
  const scale = Math.min(canvas.width / photo.width, canvas.height / photo.height);
  const width = Math.max(2, even(photo.width * scale));
  const height = Math.max(2, even(photo.height * scale));
  return {
    width,
    height,
    left: evenDown((canvas.width - width) / 2),
    top: evenDown((canvas.height - height) / 2),
  };
}

/** Longest side to shortest side of an automatic canvas at most. */
const MAX_ASPECT = 16 / 9;
/** Short side of an automatic canvas at most, in pixels. */
const MAX_SHORT_SIDE = 1080;

/** A canvas with the median shape of the photos, no larger than the largest of them. */
export function autoCanvas(photos: readonly Size[]): Size {
  const aspects = photos.map(({ width, height }) => width / height).sort((a, b) => a - b);
  const median = aspects[Math.floor(aspects.length / 2)] ?? 1;
  const aspect = Math.min(MAX_ASPECT, Math.max(1 / MAX_ASPECT, median));
  const largest = Math.max(...photos.map(({ width, height }) => Math.min(width, height)));
  const short = Math.max(2, Math.min(MAX_SHORT_SIDE, largest));
  const [width, height] = aspect < 1 ? [short, short / aspect] : [short * aspect, short];
  return { width: even(width), height: even(height) };
}

/** Options of the input of raw RGB frames of the canvas's size: one for each photo, several for a clip. */
export function photoInput({ width, height }: Size): string[] {
  return [
    ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`],
    ...['-framerate', String(FRAME_RATE)],
  ];
}

/**
 * Options for an Annex B stream: a black key frame, its repeats, then each slide from a key frame on.
 *
 * - Photos are full-range sRGB; players expect HD video as limited-range BT.709.
 * - crf with qcomp=1 gives all photos one quality, with adaptive quantisation inside each.
 * - zones: the quality of the black lead at which x264 derives the same crf for the photo after it.
 * - No B-frames, one reference, no weighting, no look-ahead: a repeat's bits depend on its number alone.
 *
 * @param ownFrames frames that each slide has in the input
 */
export function photoOutput(threads: number, ownFrames: readonly number[]): string[] {
  const crf = 17;
  const lead = REPEAT_FRAMES + 1;
  const filter = [
    'scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int+bicubic',
    'format=yuv420p',
    `tpad=start=${lead}:start_mode=add:color=black`,
    `setpts=N/${FRAME_RATE}/TB`,
    'setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709',
  ];
  const x264 = [
    'keyint=infinite:scenecut=0:bframes=0:ref=1:weightp=0',
    'rc-lookahead=0:sync-lookahead=0:mbtree=0:sliced-threads=0',
    `qcomp=1:zones=0,${REPEAT_FRAMES},q=${crf + 3}`,
  ];
  return [
    ...['-vf', filter.join(',')],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', String(crf), '-threads', String(threads)],
    ...['-profile:v', 'high', '-level:v', '4.0', '-x264-params', x264.join(':')],
    // ffmpeg 5.1 passes no colour tags from the filter to the encoder.
    ...['-color_range', 'tv', '-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709'],
    ...['-force_key_frames', `expr:${keyFrames(lead, ownFrames)}`, '-forced-idr', '1'],
    ...['-f', 'h264'],
  ];
}

/** An expression that is not 0 for the first frame of the lead and of each slide. */
function keyFrames(lead: number, ownFrames: readonly number[]): string {
  let next = lead;
  const terms = ownFrames.map((frames) => {
    const term = `eq(n,${next})`;
    next += frames;
    return term;
  });
  return ['eq(n,0)', ...terms].join('+');
}

/** Options of the clip of a live photo as an input. */
export const CLIP_INPUT = [...SOUND_INPUT, '-threads', '1', '-max_pixels', String(MAX_PIXELS)];

/** Options for raw frames of a clip, fitted onto the canvas as photos are. */
export function clipOutput({ width, height }: Size, frames: number): string[] {
  const filter = [
    `fps=${FRAME_RATE}`,
    `scale=${width}:${height}:force_original_aspect_ratio=decrease:force_divisible_by=2:flags=bicubic`,
    `pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2`,
  ];
  return [
    ...['-map', '0:v:0', '-vf', filter.join(','), '-frames:v', String(frames)],
    ...['-f', 'rawvideo', '-pix_fmt', 'rgb24'],
  ];
}

/** Options of the input that is the finished stream of frames. */
export const FRAME_INPUT = ['-f', 'h264', '-framerate', String(FRAME_RATE)];

/** Options for the MP4: the frames as they are, the sound as AAC of the same length. */
export function slideshowOutput(plan: SlideshowPlan, hasSound: boolean): string[] {
  return [
    ...['-filter_complex', hasSound ? musicFilter(plan.seconds) : silenceFilter(plan.seconds)],
    ...['-map', '0:v:0', '-map', '[sound]', '-map_metadata', '-1'],
    // The raw stream has no timestamps.
    ...['-c:v', 'copy', '-bsf:v', `setts=ts=N/${FRAME_RATE}/TB`],
    ...['-c:a', 'aac', '-b:a', '128k'],
    ...['-movflags', '+faststart'],
  ];
}

/** Loops the decoded sound without a gap, cuts it at the end of the video, and fades it out. */
function musicFilter(seconds: number): string {
  const fade = Math.min(FADE_SECONDS, seconds / 4);
  return [
    `[1:a:0]aresample=${SAMPLE_RATE}`,
    // 16-bit samples: the loop holds the whole track in memory.
    'aformat=sample_fmts=s16:channel_layouts=stereo',
    `atrim=end=${seconds}`,
    'asetpts=N/SR/TB',
    'aloop=loop=-1:size=2147483647',
    // Silence for a track without a single sample.
    'apad',
    `atrim=end=${seconds}`,
    `afade=t=out:st=${seconds - fade}:d=${fade}[sound]`,
  ].join(',');
}

/** iOS and uploaders take a video without an audio track for broken. */
function silenceFilter(seconds: number): string {
  return `anullsrc=r=${SAMPLE_RATE}:cl=stereo,atrim=end=${seconds}[sound]`;
}

function even(length: number): number {
  return Math.round(length / 2) * 2;
}

function evenDown(length: number): number {
  return Math.floor(length / 2) * 2;
}

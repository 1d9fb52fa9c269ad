/**
 * What a slideshow looks like, and how ffmpeg is told to make it. Pure.
 *
 * H.264 lets a picture say "as before" in 67 bytes for the whole canvas. So each photo is encoded once, as one key
 * frame, and the frames up to the next photo are such repeats, cut from a short run of black that the same encoder
 * makes first (see still-stream.ts). That is as fast as the lowest frame rate, at a frame rate that every
 * player and TikTok's uploader (23 to 60 a second, by its Content Posting API) take.
 */
export const CANVAS = { width: 1080, height: 1920 } as const;

/** Frames a second; constant. The predecessors' rate. */
export const FRAME_RATE = 25;

/** Repeat frames that are made to be copied: x264 counts frames modulo 16 (`log2_max_frame_num` 4), so 16 close the circle. */
export const REPEAT_FRAMES = 16;

/** A key frame comes at least every 10 seconds, so that seeking stays quick in very slow slideshows. */
export const MAX_KEY_INTERVAL = 10 * FRAME_RATE;

const SAMPLE_RATE = 44_100;
const FADE_SECONDS = 0.5;

export interface SlideshowPlan {
  /** Frames of each slide, in order. */
  slideFrames: number[];
  totalFrames: number;
  /** Length of picture and sound. */
  seconds: number;
}

/**
 * @param photos number of slides, 1 or more.
 * @param slideSeconds how long each is shown. Where that is no whole number of frames, slides differ by one frame so
 *   that no error adds up.
 */
export function planSlideshow(photos: number, slideSeconds: number): SlideshowPlan {
  const startOf = (slide: number) => Math.round(slide * slideSeconds * FRAME_RATE);
  const slideFrames = Array.from({ length: photos }, (_, slide) => startOf(slide + 1) - startOf(slide));
  const totalFrames = startOf(photos);
  return { slideFrames, totalFrames, seconds: totalFrames / FRAME_RATE };
}

export interface Placement {
  width: number;
  height: number;
  left: number;
  top: number;
}

/** Fits a picture whole and centred onto the canvas. All even: 4:2:0 colour has one sample for 2×2 pixels. */
export function fitOnCanvas(picture: { width: number; height: number }): Placement {
  const scale = Math.min(CANVAS.width / picture.width, CANVAS.height / picture.height);
  const width = Math.max(2, even(picture.width * scale));
  const height = Math.max(2, even(picture.height * scale));
  return {
    width,
    height,
    left: evenDown((CANVAS.width - width) / 2),
    top: evenDown((CANVAS.height - height) / 2),
  };
}

/** Raw RGB pictures of the canvas's size come in, one for each slide. */
export const PICTURE_INPUT = [
  ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${CANVAS.width}x${CANVAS.height}`],
  ...['-framerate', String(FRAME_RATE)],
];

/**
 * Pictures to an Annex B stream: a black key frame, the repeats, then a key frame for each picture.
 *
 * - The pixels of a photo are full-range sRGB; players expect HD video as limited-range BT.709.
 * - crf with qcomp=1 is one quality for all pictures, with adaptive quantisation inside each. 19 is the best whose
 *   movies stay below the predecessors' (crf 23, which refines a still over its first second) even where photos are
 *   dense text; the benchmark's worst slide keeps an SSIM above 0.98.
 * - zones: the black run has the quality at which x264 derives the same crf for the photo after it.
 * - No B-frames, one reference, no weighting, no look-ahead: a repeat's bits then depend on nothing but its number.
 */
export function pictureOutput(threads: number): string[] {
  const crf = 19;
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
    ...['-force_key_frames', `expr:eq(n,0)+gte(n,${lead})`, '-forced-idr', '1'],
    ...['-f', 'h264'],
  ];
}

/** The finished stream of frames comes in. */
export const FRAME_INPUT = ['-f', 'h264', '-framerate', String(FRAME_RATE)];

/** A track is untrusted: no playlists, which would make ffmpeg open other files or addresses. */
export const SOUND_INPUT = [
  ...['-protocol_whitelist', 'file'],
  ...['-format_whitelist', 'mp3,aac,mov,matroska,webm,ogg,wav,flac,mpegts,flv'],
];

/** Frames and sound into an MP4: the frames as they are, the sound as AAC of the same length. */
export function slideshowOutput(plan: SlideshowPlan, hasSound: boolean): string[] {
  return [
    ...['-filter_complex', hasSound ? musicFilter(plan.seconds) : silenceFilter(plan.seconds)],
    ...['-map', '0:v:0', '-map', '[sound]', '-map_metadata', '-1'],
    // The raw stream has no timestamps; counting frames gives each its own, exactly.
    ...['-c:v', 'copy', '-bsf:v', `setts=ts=N/${FRAME_RATE}/TB`],
    ...['-c:a', 'aac', '-b:a', '128k'],
    ...['-movflags', '+faststart'],
  ];
}

/** Looped where shorter (gapless, in the decoded domain), cut where longer, faded out at the end. */
function musicFilter(seconds: number): string {
  const fade = Math.min(FADE_SECONDS, seconds / 4);
  return [
    `[1:a:0]aresample=${SAMPLE_RATE}`,
    // 16-bit samples while looping: a whole track lies in memory there.
    'aformat=sample_fmts=s16:channel_layouts=stereo',
    `atrim=end=${seconds}`,
    'asetpts=N/SR/TB',
    'aloop=loop=-1:size=2147483647',
    // A track without a single sample would end at once: silence fills what is missing.
    'apad',
    `atrim=end=${seconds}`,
    `afade=t=out:st=${seconds - fade}:d=${fade}[sound]`,
  ].join(',');
}

/** iOS and uploaders take a movie without an audio track for broken or mute it. */
function silenceFilter(seconds: number): string {
  return `anullsrc=r=${SAMPLE_RATE}:cl=stereo,atrim=end=${seconds}[sound]`;
}

function even(length: number): number {
  return Math.round(length / 2) * 2;
}

function evenDown(length: number): number {
  return Math.floor(length / 2) * 2;
}

/** Ways to make a slideshow that were tried, as plain ffmpeg commands; the first is the predecessors'. */
import { join } from 'node:path';

export interface Design {
  name: string;
  /** Commands to run one after the other; those inside a list side by side, as many as there are processors. */
  commands: (photos: string[], music: string, folder: string) => string[][][];
}

const SECONDS = 4;
const FIT =
  'scale=1080:1920:force_original_aspect_ratio=decrease,pad=1080:1920:(ow-iw)/2:(oh-ih)/2:black,setsar=1';
const FINISH = ['-c:a', 'aac', '-b:a', '128k', '-movflags', '+faststart'];
const NO_LOOK_AHEAD = ['-x264-params', 'rc-lookahead=0:mbtree=0:bframes=0:scenecut=0'];

const inputs = (photos: string[], ...before: string[]) => photos.flatMap((photo) => [...before, '-i', photo]);
const join_ = (photos: string[]) =>
  `${photos.map((_, i) => `[v${i}]`).join('')}concat=n=${photos.length}:v=1:a=0[v]`;
const graph = (photos: string[], filter: string) =>
  [...photos.map((_, i) => `[${i}:v]${filter}[v${i}]`), join_(photos)].join(';');
const withMusic = (photos: string[], music: string) => ({
  input: ['-stream_loop', '-1', '-i', music],
  map: ['-map', '[v]', '-map', `${photos.length}:a:0`, '-t', String(photos.length * SECONDS)],
});

/** Every photo decoded, scaled and encoded for every frame. */
const predecessors: Design = {
  name: "predecessors' command (medium, 25 fps)",
  commands: (photos, music, folder) => {
    const { input, map } = withMusic(photos, music);
    const video = ['-c:v', 'libx264', '-preset', 'medium', '-crf', '23', '-pix_fmt', 'yuv420p', '-r', '25'];
    const photoInputs = inputs(photos, '-loop', '1', '-t', String(SECONDS));
    return [
      [
        [
          ...photoInputs,
          ...input,
          '-filter_complex',
          graph(photos, FIT),
          ...map,
          ...video,
          ...FINISH,
          out(folder),
        ],
      ],
    ];
  },
};

/** Every photo scaled once, the picture repeated into the encoder. */
function scaledOnce(name: string, fps: number, encoder: string[]): Design {
  return {
    name,
    commands: (photos, music, folder) => {
      const { input, map } = withMusic(photos, music);
      const frames = fps * SECONDS;
      const filter = `${FIT},format=yuv420p,loop=loop=${frames - 1}:size=1,settb=1/${fps},setpts=N`;
      const video = ['-c:v', 'libx264', ...encoder, '-r', String(fps)];
      return [
        [
          [
            ...inputs(photos),
            ...input,
            '-filter_complex',
            graph(photos, filter),
            ...map,
            ...video,
            ...FINISH,
            out(folder),
          ],
        ],
      ];
    },
  };
}

/** Each photo a file of its own, one thread each, side by side, joined without encoding again. */
const segments: Design = {
  name: 'segments side by side, one thread each (veryfast, 25 fps)',
  commands: (photos, music, folder) => {
    const parts = photos.map((photo, i) => [
      ...[
        '-i',
        photo,
        '-vf',
        `${FIT},format=yuv420p,loop=loop=${25 * SECONDS - 1}:size=1,settb=1/25,setpts=N`,
      ],
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'stillimage', '-threads', '1', '-r', '25'],
      join(folder, `part-${i}.ts`),
    ]);
    const list = `concat:${photos.map((_, i) => join(folder, `part-${i}.ts`)).join('|')}`;
    const length = ['-t', String(photos.length * SECONDS)];
    const copy = ['-map', '0:v', '-map', '1:a:0', '-c:v', 'copy', ...length, ...FINISH, out(folder)];
    return [parts, [['-i', list, '-stream_loop', '-1', '-i', music, ...copy]]];
  },
};

export const DESIGNS: Design[] = [
  predecessors,
  scaledOnce('scaled once: veryfast, stillimage, 25 fps', 25, ['-preset', 'veryfast', '-tune', 'stillimage']),
  scaledOnce('scaled once: veryfast, no look-ahead, 25 fps', 25, ['-preset', 'veryfast', ...NO_LOOK_AHEAD]),
  scaledOnce('scaled once: ultrafast, 25 fps', 25, ['-preset', 'ultrafast']),
  segments,
  scaledOnce('scaled once: veryfast, stillimage, 10 fps', 10, ['-preset', 'veryfast', '-tune', 'stillimage']),
  scaledOnce('scaled once: veryfast, no look-ahead, 10 fps', 10, ['-preset', 'veryfast', ...NO_LOOK_AHEAD]),
  scaledOnce('scaled once: veryfast, no look-ahead, 5 fps', 5, ['-preset', 'veryfast', ...NO_LOOK_AHEAD]),
];

export function out(folder: string): string {
  return join(folder, 'out.mp4');
}

import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

/**
 * The ffmpeg to use: FFMPEG_PATH, else the one that set-up recorded, else the first on PATH. Set-up skips a system's
 * ffmpeg that lacks an encoder.
 * @param projectRoot the folder that holds package.json
 * @returns its absolute path; null where there is none, then slideshows and MP3s are off
 */
export function locateFfmpeg(
  projectRoot: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | null {
  const onPath = (env.PATH ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
  const candidates = [
    env.FFMPEG_PATH ? resolve(env.FFMPEG_PATH) : null,
    recorded(join(projectRoot, '.ffmpeg')),
    ...onPath.map((folder) => join(folder, 'ffmpeg')),
  ];
  return candidates.find((path) => path !== null && isProgram(path)) ?? null;
}

/** The path that scripts/setup/ffmpeg.mjs wrote; null where it found none. */
function recorded(folder: string): string | null {
  try {
    const { ffmpeg } = JSON.parse(readFileSync(join(folder, 'ffmpeg.json'), 'utf8')) as {
      ffmpeg: string | null;
    };
    return ffmpeg && resolve(folder, ffmpeg);
  } catch {
    return null;
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

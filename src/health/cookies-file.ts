import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import type { Engine } from '../engine/index.ts';
import { versionOf } from '../watched-file.ts';

const LIMIT_MS = 30_000;

/** yt-dlp's own loader. The message of an invalid line quotes it, cookies included: only its beginning is kept. */
const LOAD = `
import json, re, sys
sys.path[:0] = json.loads(sys.argv[1])
from yt_dlp.cookies import YoutubeDLCookieJar
jar = YoutubeDLCookieJar(sys.argv[2])
problem = None
try:
    jar.load()
except Exception as error:
    problem = re.sub(r'(?s)(invalid Netscape format).*', r'\\1', str(error)).split('. See ')[0]
print(json.dumps({'count': len(jar), 'problem': problem if problem or len(jar) else 'it has no cookies'}))
`;

export interface CookiesStatus {
  /** Time of the last change, Unix seconds; null where the file may not be looked at. */
  changed: number | null;
  /** Null until yt-dlp has read the file. */
  count: number | null;
  /** Why yt-dlp cannot use the file; null when it can. */
  problem: string | null;
}

export interface CookiesFileOptions {
  path: string;
  /** The engine in use; null without one, which leaves the content unchecked. */
  engine: () => Engine | null;
  log: Logger;
}

/** Whether yt-dlp can read COOKIES_PATH, checked and logged once for each change of the file. */
export class CookiesFile {
  readonly #options: CookiesFileOptions;
  #status: CookiesStatus | null = null;
  #checked = '';

  constructor(options: CookiesFileOptions) {
    this.#options = options;
  }

  /** Null without a file, which is allowed. */
  get status(): CookiesStatus | null {
    return this.#status;
  }

  async check(): Promise<void> {
    const { path, engine, log } = this.#options;
    const stats = await stat(path).catch((error: NodeJS.ErrnoException) => error);
    if (stats instanceof Error) {
      const isMissing = stats.code === 'ENOENT' || stats.code === 'ENOTDIR';
      this.#status = isMissing ? null : { changed: null, count: null, problem: stats.message };
      if (!isMissing && this.#checked !== stats.message) this.#warn(stats.message);
      this.#checked = isMissing ? '' : stats.message;
      return;
    }
    const version = versionOf(stats);
    const loader = engine();
    if (version === this.#checked) return;
    const changed = stats.mtimeMs / 1000;
    this.#status = { changed, count: null, problem: null };
    if (!loader) return;
    this.#checked = version;
    this.#status = { changed, ...(await load(loader, path)) };
    const { problem, count } = this.#status;
    if (problem !== null) this.#warn(problem);
    else log.info({ count }, 'cookies file read');
  }

  #warn(problem: string): void {
    this.#options.log.warn({ problem }, 'cookies file unusable: posts that require a login fail');
  }
}

async function load(
  { python, sysPath }: Engine,
  path: string,
): Promise<Pick<CookiesStatus, 'count' | 'problem'>> {
  try {
    const args = ['-c', LOAD, JSON.stringify(sysPath), path];
    const { stdout } = await promisify(execFile)(python, args, {
      timeout: LIMIT_MS,
      env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: '1' },
    });
    return JSON.parse(stdout) as Pick<CookiesStatus, 'count' | 'problem'>;
  } catch {
    return { count: null, problem: null };
  }
}

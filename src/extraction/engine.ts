import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
export interface Engine { python: string; sysPath: string[]; ytdlp: string; curlCffi: string | null; impersonation: boolean; source: string; dir: string }
export function locateEngine(projectRoot: string): Engine {
  const dir = join(projectRoot, '.engine/current');
  const e = JSON.parse(readFileSync(join(dir, 'engine.json'), 'utf8'));
  return { ...e, python: resolve(dir, e.python), dir };
}

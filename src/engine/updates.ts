import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Cron } from 'croner';
import type { Logger } from 'pino';
import { writeProblem } from './store.ts';

/** What an update has no use for, and pip and a new yt-dlp no right to. */
const SECRETS = ['ENCRYPTION_KEY', 'ENCRYPTION_KEY_PREVIOUS', 'REDIS_URL', 'GLUETUN_API_KEY'];

export interface UpdateSchedule {
  stop(): void;
}

/**
 * Looks for a newer yt-dlp at the times of ENGINE_UPDATE_CRON, as `npm run engine:update` would, in a process of its
 * own. What it finds good it makes the engine in use, and Engines sees that.
 */
export function scheduleUpdates(
  cron: string,
  projectRoot: string,
  store: string,
  log: Logger,
): UpdateSchedule {
  const script = join(projectRoot, 'scripts/engine.mjs');
  const why = existsSync(script) ? writeProblem(store) : 'scripts/ is not installed';
  if (why !== null) {
    log.warn({ why }, 'ENGINE_UPDATE_CRON is set, but the engine cannot be updated');
    return { stop: () => {} };
  }
  const running = new Set<AbortController>();
  const job = new Cron(cron, { protect: true }, async () => {
    const abort = new AbortController();
    running.add(abort);
    await update(script, projectRoot, log, abort.signal);
    running.delete(abort);
  });
  return {
    stop() {
      job.stop();
      for (const abort of running) abort.abort();
    },
  };
}

function update(script: string, cwd: string, log: Logger, signal: AbortSignal): Promise<void> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !SECRETS.includes(name)));
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script, 'update'], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => log.info({ line }, 'engine update'));
    }
    child.on('error', (err) => {
      if (!signal.aborted) log.error({ err }, 'the engine update could not be started');
      resolve();
    });
    child.on('close', (code) => {
      if (code !== 0 && !signal.aborted) log.warn({ code }, 'the engine update failed');
      resolve();
    });
  });
}

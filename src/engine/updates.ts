import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Cron } from 'croner';
import type { Logger } from 'pino';
import { writeProblem } from './store.mjs';

/** Environment variables that pip and a new yt-dlp must not see. PROXY_URLS stays: the canary's post needs it. */
const SECRET = /KEY|SECRET|TOKEN|PASSWORD|^REDIS_URL/;

export interface UpdateSchedule {
  stop(): void;
}

/**
 * Runs `npm run engine:update` in a process of its own at the times of ENGINE_UPDATE_CRON. EngineWatcher switches to
 * what it installs.
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
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !SECRET.test(name)));
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
      if (!signal.aborted) log.error({ err }, 'engine update could not be started');
      resolve();
    });
    child.on('close', (code) => {
      if (code !== 0 && !signal.aborted) log.warn({ code }, 'engine update failed');
      resolve();
    });
  });
}

import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { decoderEnvironment, isolated } from './isolation.ts';

/**
 * Starts a module as a process of its own that decodes untrusted files: without network and secrets where that is
 * possible, and in a process group of its own, so that one kill reaches what it starts.
 * @param name of the module, without its ending
 * @param near URL of a module in the same folder
 */
export function forkDecoder(name: string, near: string): ChildProcess {
  // Compiled, all files are JavaScript. From source, Node 20 needs tsx to read them.
  const source = near.endsWith('.ts');
  const entry = new URL(`./${name}.${source ? 'ts' : 'js'}`, near);
  const loader = () => pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const { program, args } = isolated(process.execPath, source ? ['--import', loader()] : []);
  return fork(fileURLToPath(entry), {
    execPath: program,
    execArgv: args,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: decoderEnvironment(),
    detached: true,
  });
}

/** Kills a process of `forkDecoder` and all that it has started. */
export function killDecoder(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // ESRCH: the group is gone.
  }
}

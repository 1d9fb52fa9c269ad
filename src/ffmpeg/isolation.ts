import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';

/** What a decoder process needs: programs, libraries, a place for caches, and the allocator's settings. */
const ENVIRONMENT = [
  'PATH',
  'HOME',
  'TMPDIR',
  'LD_LIBRARY_PATH',
  'MALLOC_ARENA_MAX',
  'MALLOC_TRIM_THRESHOLD_',
];

/** The environment of processes that decode untrusted files: no keys, no passwords, no proxies. */
export function decoderEnvironment(): Record<string, string> {
  const { env } = process;
  return Object.fromEntries(ENVIRONMENT.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

/**
 * A user namespace without capabilities and a network namespace without an interface. The user namespace also keeps
 * /proc/PID/environ of the service from a process of the same user.
 */
const UNSHARE = ['unshare', '--user', '--map-user=65534', '--net', '--'] as const;

let available: boolean | undefined;

/** Whether decoders run without network. False where the kernel or a seccomp profile forbids user namespaces. */
export function canIsolate(): boolean {
  const [program, ...options] = UNSHARE;
  const quiet = { stdio: 'ignore', env: decoderEnvironment(), timeout: 5000 } as const;
  available ??= spawnSync(program, [...options, 'true'], quiet).status === 0;
  return available;
}

/** The command line that runs a program without network, or the plain one where that is impossible. */
export function isolated(program: string, args: readonly string[]): { program: string; args: string[] } {
  if (!canIsolate()) return { program, args: [...args] };
  const [unshare, ...options] = UNSHARE;
  return { program: unshare, args: [...options, program, ...args] };
}

/** Makes the kernel's OOM killer choose this process, and those that it starts, before the service. */
export async function offerToOomKiller(pid: number | 'self'): Promise<void> {
  await writeFile(`/proc/${pid}/oom_score_adj`, '1000').catch(() => undefined);
}

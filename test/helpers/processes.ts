import { execFileSync } from 'node:child_process';

export interface ProcessInfo {
  pid: number;
  ppid: number;
  command: string;
}

/** All processes that are alive (zombies are not). */
export function processes(): ProcessInfo[] {
  return execFileSync('ps', ['-eo', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .flatMap((line) => {
      const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
      if (!match || match[3]?.startsWith('Z')) return [];
      return [{ pid: Number(match[1]), ppid: Number(match[2]), command: match[4] ?? '' }];
    });
}

/** The yt-dlp host of a service, and the host's children. */
export function pythonTree(servicePid: number): { host: number | null; children: number[] } {
  const all = processes();
  const host = all.find((one) => one.ppid === servicePid && one.command.includes('host.py'))?.pid ?? null;
  return {
    host,
    children: host === null ? [] : all.filter((one) => one.ppid === host).map((one) => one.pid),
  };
}

export async function until(condition: () => boolean | Promise<boolean>, limitMs: number): Promise<boolean> {
  const limit = Date.now() + limitMs;
  while (Date.now() < limit) {
    if (await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return condition();
}

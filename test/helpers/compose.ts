import { spawnSync } from 'node:child_process';

/** Command of Compose 2, as a plug-in of docker or by itself; null where there is none. */
export function composeTool(): [command: string, ...before: string[]] | null {
  const forms: [string, ...string[]][] = [['docker', 'compose'], ['docker-compose']];
  for (const [command, ...before] of forms) {
    const said = spawnSync(command, [...before, 'version', '--short'], { encoding: 'utf8' });
    if (said.status === 0 && /^v?[2-9]/.test(said.stdout)) return [command, ...before];
  }
  return null;
}

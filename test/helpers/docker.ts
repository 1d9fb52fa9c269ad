import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { composeTool } from './compose.ts';
import { until } from './processes.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Where containers see the project. */
export const REPO = '/repo';

/** Folders of this machine that containers run programs of, read-only, in the form of Compose's `volumes`. */
export function hostVolumes(): string[] {
  const python = realpathSync(join(ROOT, '.engine/current/bin/python'));
  const elsewhere = [python, process.execPath]
    .filter((program) => !program.startsWith('/usr/'))
    .map((program) => dirname(dirname(program)));
  return [`${ROOT}:${REPO}:ro`, ...['/usr', ...new Set(elsewhere)].map((path) => `${path}:${path}:ro`)];
}

export interface Docker {
  /** Runs the client; its output. @throws with the output where it fails */
  run(...args: string[]): string;
  /** Runs Compose 2. @throws with the output where it fails */
  compose(args: readonly string[], env: Readonly<Record<string, string>>): string;
  /** Runs a program of the machine that the engine takes for its host. */
  onHost(command: string, ...args: string[]): string;
  /**
   * Makes an image whose programs are those of this machine (`hostVolumes`).
   * @param files beside them, executable
   * @param changes instructions of a Dockerfile
   */
  makeImage(name: string, files: Readonly<Record<string, string>>, changes: readonly string[]): void;
  stop(): Promise<void>;
}

/** A Docker engine of its own, in a network of its own; null where none can be started, which it says. */
export async function startDocker(): Promise<Docker | null> {
  const missing = missingParts();
  const compose = composeTool();
  if (missing || !compose) return skip(missing ?? 'no Compose 2');
  const dir = mkdtempSync(join(tmpdir(), 'docker-'));
  const socket = join(dir, 'docker.sock');
  const flags = ['--data-root', `${dir}/data`, '--exec-root', `${dir}/exec`, '--pidfile', `${dir}/pid`];
  const start = 'ip link set lo up && exec dockerd "$@"';
  const engine = spawn(
    'unshare',
    ['--net', '--', 'sh', '-c', start, 'dockerd', ...flags, '-H', `unix://${socket}`],
    {
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  engine.stderr?.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-2000);
  });
  const env = { PATH: process.env.PATH ?? '', DOCKER_HOST: `unix://${socket}` };
  const isUp = () => spawnSync('docker', ['info'], { env, stdio: 'ignore' }).status === 0;
  const stop = () => end(engine, dir);
  if (!(await until(() => engine.exitCode !== null || isUp(), 60_000)) || engine.exitCode !== null) {
    await stop();
    return skip(`dockerd does not start: ${said}`);
  }
  return {
    run: (...args) => call('docker', args, env),
    compose: (args, more) => call(compose[0], [...compose.slice(1), ...args], { ...env, ...more }),
    onHost: (command, ...args) =>
      call('nsenter', ['-t', String(engine.pid), '-n', '--', command, ...args], env),
    makeImage: (name, files, changes) => makeImage(dir, env, { name, files, changes }),
    stop,
  };
}

function missingParts(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'that takes root on Linux';
  const path = `${process.env.PATH}:/usr/sbin:/sbin`;
  const programs = ['dockerd', 'docker', 'iptables', 'unshare', 'nsenter', 'ip'];
  const missing = programs.filter(
    (program) => spawnSync('which', [program], { env: { PATH: path } }).status !== 0,
  );
  return missing.length > 0 ? `not installed: ${missing.join(', ')}` : null;
}

function skip(why: string): null {
  process.stdout.write(`skipped: no Docker engine here (${why})\n`);
  return null;
}

function call(command: string, args: readonly string[], env: Record<string, string>): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env, timeout: 240_000 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

interface Image {
  name: string;
  files: Readonly<Record<string, string>>;
  changes: readonly string[];
}

function makeImage(dir: string, env: Record<string, string>, { name, files, changes }: Image): void {
  const root = mkdtempSync(join(dir, 'image-'));
  for (const folder of ['usr', 'etc', 'tmp', 'proc', 'sys', 'dev', 'app/cookies'])
    mkdirSync(join(root, folder), { recursive: true });
  for (const folder of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${folder}`, join(root, folder));
  for (const folder of ['app/temp', 'app/engines']) {
    mkdirSync(join(root, folder), { mode: 0o700 });
    execFileSync('chown', ['1000:1000', join(root, folder)]);
  }
  for (const file of ['/etc/ld.so.cache', '/etc/nsswitch.conf', '/etc/ssl']) {
    spawnSync('cp', ['-rL', file, join(root, 'etc')]);
  }
  for (const [path, content] of Object.entries(files)) {
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), 0o755);
  }
  const archive = `${root}.tar`;
  execFileSync('tar', ['-C', root, '-cf', archive, '.']);
  const settings = [`ENV PATH=${dirname(process.execPath)}:/usr/sbin:/usr/bin`, ...changes];
  call('docker', ['import', ...settings.flatMap((one) => ['--change', one]), archive, name], env);
}

async function end(engine: ChildProcess, dir: string): Promise<void> {
  const gone = new Promise((resolve) => engine.once('exit', resolve));
  if (engine.exitCode === null) {
    engine.kill('SIGTERM');
    await gone;
  }
  spawnSync('sh', ['-c', `mount | grep -o ' ${dir}[^ ]*' | sort -r | xargs -r umount -l`]);
  rmSync(dir, { recursive: true, force: true });
}

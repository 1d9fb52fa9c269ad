import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The provider's end of the link, and what it serves as if the internet were behind it. */
const PROVIDER_V4 = '10.200.0.1';
const PROVIDER_V6 = 'fd00:200::1';
const LOCAL_ROUTES = [
  ...['93.184.216.0/24', '198.18.0.0/15', '10.9.9.0/24', '169.254.169.254/32', '192.168.77.0/24'],
  ...['2606:2800:220::/64', '64:ff9b::/96', '64:ff9b:1::/48', 'fd64::/96', 'fd65::/96', 'fc00::/18'],
];

export const PROXY_PORT = 3128;
export const PROXY_URL = `http://${PROVIDER_V4}:${PROXY_PORT}`;

/** Two network namespaces, joined by a link: one for the service, one for everything outside. */
export interface Network {
  /** Starts a program outside. */
  outside(...command: string[]): ChildProcess;
  /** Starts a program in the service's namespace, whose resolver is outside. */
  inside(...command: string[]): ChildProcess;
  close(): void;
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Why no network can be built here; null where it can. */
export function whyNoNetwork(): string | null {
  const name = `ttdl-try-${process.pid}`;
  try {
    ip('netns', 'add', name);
    ip('netns', 'exec', name, 'ip', 'link', 'set', 'lo', 'up');
    return null;
  } catch (error) {
    return `no network namespaces: ${(error as Error).message.split('\n').join(' ')}`;
  } finally {
    try {
      ip('netns', 'del', name);
    } catch {
      // It was not made.
    }
  }
}

let built = 0;

/** @param family which addresses the service has */
export function buildNetwork(family: 4 | 6 | 'both'): Network {
  built += 1;
  const name = (end: string) => `ttdl-${end}-${process.pid}-${built}`;
  const [provider, service] = [name('out'), name('in')];
  const at = (namespace: string, ...args: string[]) => ip('-n', namespace, ...args);
  const folder = mkdtempSync(join(tmpdir(), 'netns-'));
  const resolver = family === 6 ? PROVIDER_V6 : PROVIDER_V4;
  writeFileSync(join(folder, 'resolv.conf'), `nameserver ${resolver}\noptions timeout:2 attempts:2\n`);
  const children = new Set<ChildProcess>();
  ip('netns', 'add', provider);
  ip('netns', 'add', service);
  for (const namespace of [provider, service]) at(namespace, 'link', 'set', 'lo', 'up');
  at(service, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', provider);
  if (family !== 6) {
    at(provider, 'addr', 'add', `${PROVIDER_V4}/30`, 'dev', 'eth0');
    at(service, 'addr', 'add', '10.200.0.2/30', 'dev', 'eth0');
  }
  if (family !== 4) {
    at(provider, 'addr', 'add', `${PROVIDER_V6}/64`, 'dev', 'eth0', 'nodad');
    at(service, 'addr', 'add', 'fd00:200::2/64', 'dev', 'eth0', 'nodad');
  }
  for (const namespace of [provider, service]) at(namespace, 'link', 'set', 'eth0', 'up');
  if (family !== 6) at(service, 'route', 'add', 'default', 'via', PROVIDER_V4);
  if (family !== 4) at(service, '-6', 'route', 'add', 'default', 'via', PROVIDER_V6);
  for (const route of LOCAL_ROUTES) {
    at(provider, ...(route.includes(':') ? ['-6'] : []), 'route', 'add', 'local', route, 'dev', 'lo');
  }
  const start = (namespace: string, command: readonly string[], script = 'exec "$@"') => {
    const child = spawn('ip', ['netns', 'exec', namespace, 'sh', '-c', script, 'sh', ...command], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  };
  return {
    outside: (...command) => start(provider, command),
    inside: (...command) =>
      start(service, command, `mount --bind ${folder}/resolv.conf /etc/resolv.conf && exec "$@"`),
    close() {
      for (const child of children) child.kill('SIGKILL');
      for (const namespace of [provider, service]) ip('netns', 'del', namespace);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

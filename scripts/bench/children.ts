/** Processes and folders of the benchmark, which all end with it: at its end, on an error, on Ctrl-C. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

type Stop = () => Promise<unknown>;

const running = new Set<Stop>();

/** Registers a clean-up step. @returns the same step, which runs at most once */
export function onEnd(stop: Stop): Stop {
  const stopOnce = async () => {
    if (running.delete(stopOnce)) await stop();
  };
  running.add(stopOnce);
  return stopOnce;
}

/** Runs all clean-up steps, newest first. */
export async function endAll(): Promise<void> {
  for (const stop of [...running].reverse()) await stop().catch(() => {});
}

/** A script of this folder in a process of its own, so that its CPU is not counted as the service's. */
export interface Child {
  pid: number;
  /** Its first message. */
  hello: unknown;
  /** Sends a message and waits for the reply; one at a time. @throws on a reply `{ failed }` */
  call(message: object): Promise<unknown>;
}

/** @param name file of this folder, without its extension */
export async function startChild(name: string): Promise<Child> {
  const script = new URL(`./${name}.ts`, import.meta.url);
  const child = fork(script, { execArgv: ['--import', import.meta.resolve('tsx')] });
  const exited = once(child, 'exit');
  onEnd(async () => {
    if (child.connected) child.disconnect();
    const killTimer = setTimeout(() => child.kill('SIGKILL'), 3000);
    await exited;
    clearTimeout(killTimer);
  });
  return {
    pid: child.pid ?? 0,
    hello: await nextMessage(child, name),
    call: (message) => {
      const reply = nextMessage(child, name);
      child.send(message);
      return reply;
    },
  };
}

function nextMessage(child: ChildProcess, name: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error(`${name} ended`));
    child.once('exit', onExit);
    child.once('message', (message: { failed?: string }) => {
      child.off('exit', onExit);
      if (message.failed === undefined) resolve(message);
      else reject(new Error(`${name}: ${message.failed}`));
    });
  });
}

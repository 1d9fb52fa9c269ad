/** Everything that the benchmark starts, so that all of it ends with it: at its end, on an error, on Ctrl-C. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

type Stop = () => Promise<unknown>;

const running = new Set<Stop>();

/** Remembers how to end something. @returns the same, to be called once */
export function started(stop: Stop): Stop {
  const once = async () => {
    if (running.delete(once)) await stop();
  };
  running.add(once);
  return once;
}

/** The newest first. */
export async function stopAll(): Promise<void> {
  for (const stop of [...running].reverse()) await stop().catch(() => {});
}

/** Another process of the benchmark's own, which asks and answers by messages and ends when we do. */
export interface Assistant {
  pid: number;
  /** What it said of itself at its start. */
  hello: unknown;
  /** One question at a time. */
  ask(question: unknown): Promise<unknown>;
  stop: Stop;
}

/** @param name file of this folder, without its ending */
export async function startAssistant(name: string): Promise<Assistant> {
  const script = new URL(`./${name}.ts`, import.meta.url);
  const child = fork(script, { execArgv: ['--import', import.meta.resolve('tsx')] });
  const gone = once(child, 'exit');
  const stop = started(async () => {
    if (child.connected) child.disconnect();
    const impatience = setTimeout(() => child.kill('SIGKILL'), 3000);
    await gone;
    clearTimeout(impatience);
  });
  return {
    pid: child.pid ?? 0,
    hello: await answer(child, name),
    ask: (question) => {
      const reply = answer(child, name);
      child.send(question as object);
      return reply;
    },
    stop,
  };
}

/** The next message. @throws when the process ends instead, or says `{ failed }` */
function answer(child: ChildProcess, name: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error(`${name} ended`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      if (typeof message === 'object' && 'failed' in message) reject(new Error(`${name}: ${message.failed}`));
      else resolve(message);
    });
  });
}

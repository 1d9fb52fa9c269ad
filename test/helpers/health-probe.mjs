// @ts-check
/**
 * Asks for /health again and again until standard input ends, then prints each answer's milliseconds and status as
 * JSON. A process of its own: the one that makes the load is too busy itself to tell how fast another answers.
 *
 * Where the answering process is given, each answer's `cpuMs` says how much its main thread has worked from the
 * question to the answer: what it did before this answer, without what others on the machine did in the meantime.
 */
import { readFileSync } from 'node:fs';
import { get } from 'node:http';

const [, , url = '', pid = '', everyMs = '25'] = process.argv;
/** @type {{ ms: number, cpuMs: number | null, status: number }[]} */
const answers = [];

/** Milliseconds on a processor since the thread began; null where the system does not say (Linux does). */
function worked() {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return null;
  }
}

const ask = () =>
  new Promise((resolve) => {
    const before = worked();
    const asked = performance.now();
    const done = (/** @type {number} */ status) => {
      const ms = performance.now() - asked;
      const after = worked();
      answers.push({ ms, cpuMs: before === null || after === null ? null : after - before, status });
      resolve(null);
    };
    get(url, { agent: false }, (response) => {
      response.resume();
      response.once('end', () => done(response.statusCode ?? 0));
    }).once('error', () => done(0));
  });

let ended = false;
process.stdin.resume().once('end', () => {
  ended = true;
});
while (!ended) {
  await ask();
  await new Promise((resolve) => setTimeout(resolve, Number(everyMs)));
}
process.stdout.write(JSON.stringify(answers));

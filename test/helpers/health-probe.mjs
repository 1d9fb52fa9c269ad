// @ts-check
/**
 * Asks for /health again and again until standard input ends, then prints each answer's milliseconds and status as
 * JSON. A process of its own: the one that makes the load is too busy itself to tell how fast another answers.
 */
import { get } from 'node:http';

const [, , url = '', everyMs = '25'] = process.argv;
/** @type {{ ms: number, status: number }[]} */
const answers = [];

const ask = () =>
  new Promise((resolve) => {
    const asked = performance.now();
    const done = (/** @type {number} */ status) => {
      answers.push({ ms: performance.now() - asked, status });
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

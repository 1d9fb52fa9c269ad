/**
 * 2,000 POSTs on 2,000 connections made in one instant, and then a question for /health:
 * `npx tsx scripts/bench/rush.ts [main.js of another build]` (build first). Prints how long the server's main thread
 * worked from that question to its answer, which hardly depends on what else the machine does, beside a server of
 * Node's that does nothing, in turn.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startStandin } from '../../test/helpers/standin/index.ts';
import { startService } from './service.ts';

const POSTS = 2000;
const ROUNDS = 3;
const BARE_SERVER = fileURLToPath(new URL('../../test/helpers/bare-server.mjs', import.meta.url));

const main = process.argv[2];
const standin = await startStandin({ latencyMs: 100, pageBytes: 20_000 });
let id = 7_450_000_000_000_000_000n;

/** Milliseconds that a process's main thread has spent on a processor. */
function workOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}

function send(port: number, head: string, body = ''): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  socket.write(`${head} HTTP/1.1\r\nhost: rush\r\ncontent-length: ${body.length}\r\n`);
  socket.write(`content-type: application/json\r\n\r\n${body}`);
  return socket;
}

async function rush(port: number, pid: number): Promise<string> {
  let answered = 0;
  const posts = Array.from({ length: POSTS }, () => {
    id += 1n;
    const body = JSON.stringify({ url: `https://www.tiktok.com/@rush/video/${id}` });
    return send(port, 'POST /tiktok', body).once('data', () => {
      answered += 1;
    });
  });
  const before = workOf(pid);
  const asked = performance.now();
  const watching = send(port, 'GET /health');
  await once(watching, 'data');
  const [work, ms] = [workOf(pid) - before, performance.now() - asked].map(Math.round);
  const told = `${work} ms of work (${ms} on the clock), ${answered} of the POSTs answered before`;
  for (const socket of [watching, ...posts]) socket.destroy();
  return told;
}

async function bare(): Promise<string> {
  const server = spawn(process.execPath, [BARE_SERVER], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [port] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
  try {
    return await rush(Number(port), server.pid ?? 0);
  } finally {
    server.stdin.end();
  }
}

async function service(): Promise<string> {
  const running = await startService(standin, { ...(main && { main }), env: { MAX_QUEUE: '500' } });
  try {
    return await rush(Number(new URL(running.baseUrl).port), running.pid);
  } finally {
    await running.stop();
  }
}

try {
  for (let round = 1; round <= ROUNDS; round += 1) {
    process.stdout.write(`${round}. /health of the service: ${await service()}\n`);
    process.stdout.write(`${round}. the bare server: ${await bare()}\n`);
  }
} finally {
  await standin.close();
}

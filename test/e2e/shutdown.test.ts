import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Agent, get, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linkOf, truthOf } from '../helpers/download.ts';
import { processes, pythonTree, until } from '../helpers/processes.ts';
import { sendRequest } from '../helpers/request.ts';
import { freePort, type Service, startService } from '../helpers/service.ts';
import { photoPost, type Standin, startStandin, videoPost } from '../helpers/standin/index.ts';

let standin: Standin;
let lastId = 7_430_000_000_000_000_000n;

beforeAll(async () => {
  standin = await startStandin({ latencyMs: 20, pageBytes: 30_000 });
});

afterAll(async () => {
  await standin.close();
});

function fresh(): { url: string; id: string } {
  lastId += 1n;
  return { id: String(lastId), url: `https://www.tiktok.com/@end/video/${lastId}` };
}

/** Requests that share one connection, kept alive between them. */
function keptConnection(service: Service) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const call = (path: string) =>
    new Promise<{ status: number; connection: string | undefined; body: string }>((resolve, reject) => {
      get(`${service.baseUrl}${path}`, { agent }, async (response) => {
        let body = '';
        for await (const chunk of response) body += String(chunk);
        resolve({ status: response.statusCode ?? 0, connection: response.headers.connection, body });
      }).once('error', reject);
    });
  return { call, end: () => agent.destroy() };
}

async function refuses(service: Service): Promise<boolean> {
  const { failure } = await sendRequest(`${service.baseUrl}/health/live`);
  return failure === 'ECONNREFUSED';
}

/** A download of which nothing is read until told to. */
async function slowDownload(service: Service, bigBytes: number) {
  const post = standin.posts.add(videoPost({ bigBytes }));
  const link = await linkOf(service, post);
  const call = get(link, { agent: false });
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  call.on('error', () => {});
  response.on('error', () => {});
  return {
    async rest(): Promise<{ bytes: number; whole: boolean }> {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      if (!response.closed) await new Promise((resolve) => response.once('close', resolve));
      return { bytes, whole: response.complete };
    },
  };
}

const BIG = 20 * 1024 * 1024;

describe.concurrent('SIGTERM', () => {
  it('keeps the listener for SHUTDOWN_DELAY, with /health/ready at 503, there and on MANAGEMENT_PORT', async () => {
    const managementPort = await freePort();
    const service = await startService(standin, {
      MAX_WORKERS: '1',
      SHUTDOWN_DELAY: '1',
      MANAGEMENT_PORT: String(managementPort),
    });
    service.kill('SIGTERM');
    const statusAt = async (base: string) => (await sendRequest(`${base}/health/ready`)).status;
    expect(await until(async () => (await statusAt(service.baseUrl)) === 503, 1000)).toBe(true);
    expect(await statusAt(`http://127.0.0.1:${managementPort}`)).toBe(503);
    expect((await service.post(fresh().url)).status).toBe(200);
    expect(await service.exited).toBe(0);
    await service.stop();
  });

  it('closes the listener and idle connections at once, and finishes requests in progress with Connection: close', async () => {
    const service = await startService(standin, { MAX_WORKERS: '2' });
    const idle = connect(Number(new URL(service.baseUrl).port), '127.0.0.1');
    await once(idle, 'connect');
    const idleClosed = once(idle, 'close');
    idle.resume();
    const kept = keptConnection(service);
    await kept.call('/health');
    const running = await slowDownload(service, BIG);
    const slow = fresh();
    standin.faults.once({ post: slow.id }, { kind: 'delay', ms: 1500 });
    const job = sendRequest(`${service.baseUrl}/tiktok`, { json: { url: slow.url } });
    await sleep(300);

    const gate = fresh();
    standin.faults.once({ post: gate.id }, { kind: 'delay', ms: 800 });
    const socket = connect(Number(new URL(service.baseUrl).port), '127.0.0.1');
    await once(socket, 'connect');
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    const body = JSON.stringify({ url: gate.url });
    const head = 'Host: x\r\nContent-Type: application/json\r\n';
    socket.write(`POST /tiktok HTTP/1.1\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`);
    await sleep(200);

    service.kill('SIGTERM');
    expect(await until(() => refuses(service), 3000)).toBe(true);
    await idleClosed;
    await expect(kept.call('/health')).rejects.toThrow();
    // A connection whose answer was still to come got it, and was told that it is the last one.
    expect(await until(() => received.includes('\r\n\r\n{'), 5000)).toBe(true);
    expect(received).toMatch(/^HTTP\/1\.1 200 /);
    expect(received.toLowerCase()).toContain('connection: close');
    const answered = await job;
    expect(answered.status).toBe(200);
    expect(answered.headers.connection).toBe('close');
    expect(await running.rest()).toEqual({ bytes: BIG, whole: true });
    expect(await service.exited).toBe(0);
    await service.stop();
    kept.end();
    socket.destroy();
  });

  it('answers /health on an open connection with 503 and draining', async () => {
    const service = await startService(standin, { MAX_WORKERS: '1' });
    const slow = fresh();
    standin.faults.once({ post: slow.id }, { kind: 'delay', ms: 1200 });
    const socket = connect(Number(new URL(service.baseUrl).port), '127.0.0.1');
    await once(socket, 'connect');
    let received = '';
    socket.on('data', (chunk) => {
      received += String(chunk);
    });
    const body = JSON.stringify({ url: slow.url });
    // Pipelined: the second request has come before the first is answered, so its connection is not idle.
    socket.write(
      `POST /tiktok HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await sleep(300);
    service.kill('SIGTERM');
    expect(await until(() => refuses(service), 3000)).toBe(true);
    socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await service.exited).toBe(0);
    const [first = '', second = ''] = received.split(/(?=HTTP\/1\.1 )/);
    expect(first).toMatch(/^HTTP\/1\.1 200 /);
    // The first answer may already have said that the connection ends; then there is no second.
    if (second !== '') {
      expect(second).toMatch(/^HTTP\/1\.1 503 /);
      expect(second).toContain('"status":"draining"');
    }
    await service.stop();
  });

  it('breaks off downloads and answers jobs with busy after SHUTDOWN_GRACE, and leaves nothing behind', async () => {
    const service = await startService(standin, { MAX_WORKERS: '1', SHUTDOWN_GRACE: '1' });
    const running = await slowDownload(service, 100 * 1024 * 1024);
    const stuck = fresh();
    standin.faults.once({ post: stuck.id }, { kind: 'hang' });
    const job = sendRequest(`${service.baseUrl}/tiktok`, { json: { url: stuck.url } });
    const waiting = sendRequest(`${service.baseUrl}/tiktok`, { json: { url: fresh().url } });
    await sleep(400);
    const { host, children } = pythonTree(service.pid);
    const began = Date.now();
    service.kill('SIGTERM');
    expect(await service.exited).toBe(0);
    const took = Date.now() - began;
    expect(took).toBeGreaterThan(900);
    expect(took).toBeLessThan(10_000);
    for (const { status, body } of await Promise.all([job, waiting])) {
      expect(status).toBe(503);
      expect(JSON.parse(body.toString())).toMatchObject({ code: 'busy', retryable: true, retry_after: 1 });
    }
    expect((await running.rest()).whole).toBe(false);
    const left = [service.pid, host, ...children];
    expect(await until(() => !processes().some(({ pid }) => left.includes(pid)), 2000)).toBe(true);
    await service.stop();
    expect(existsSync(service.tempDir)).toBe(false);
  });

  it('waits for a quiet progress stream no longer than SHUTDOWN_GRACE', async () => {
    const service = await startService(standin, { MAX_WORKERS: '1', SHUTDOWN_GRACE: '1' });
    const { body } = await service.post(standin.posts.add(photoPost({ photos: 1 })).url);
    const link = String(body.download_slideshow_link).replace('slideshow?', 'slideshow/progress?');
    const bar = request(link, { agent: false });
    bar.on('error', () => {});
    bar.end();
    await once(bar, 'response');
    service.kill('SIGTERM');
    const began = Date.now();
    expect(await service.exited).toBe(0);
    expect(Date.now() - began).toBeLessThan(8000);
    await service.stop();
  });

  it('exits at once the second time', async () => {
    const service = await startService(standin, { MAX_WORKERS: '1' });
    await slowDownload(service, 100 * 1024 * 1024);
    const { host, children } = pythonTree(service.pid);
    service.kill('SIGTERM');
    expect(await until(() => refuses(service), 3000)).toBe(true);
    await sleep(500);
    const began = Date.now();
    service.kill('SIGTERM');
    expect(await service.exited).toBe(1);
    expect(Date.now() - began).toBeLessThan(2000);
    const left = [host, ...children];
    expect(await until(() => !processes().some(({ pid }) => left.includes(pid)), 2000)).toBe(true);
    await service.stop();
  });
});

describe('a rolling restart under load', () => {
  it('loses no accepted request', { timeout: 180_000 }, async () => {
    const env = { MAX_WORKERS: '2', SHUTDOWN_GRACE: '20' };
    const instances = await Promise.all([startService(standin, env), startService(standin, env)]);
    const video = standin.posts.add(videoPost());
    const truth = truthOf(standin, video);
    const token = new URL(await linkOf(instances[0] as Service, video));
    let turn = 0;
    let over = false;
    const answers: Record<string, number> = {};
    let resets = 0;
    let asked = 0;
    /**
     * As a load balancer: in turn, and on to the next instance where a connection is refused. A reset of a request that
     * is in no log counts as refused: the kernel resets connections that the closing listener has not accepted.
     */
    const balanced = async (send: (base: string, id: string) => Promise<string>): Promise<void> => {
      for (let tries = 0; tries < 100; tries += 1) {
        turn += 1;
        asked += 1;
        const instance = instances[turn % 2] as Service;
        const id = `rolling-${asked}`;
        const what = await send(instance.baseUrl, id);
        if (what === 'ECONNRESET') {
          resets += 1;
          // The line is logged after the end of the response.
          await sleep(200);
        }
        const known = instance.log.some(({ reqId }) => reqId === id);
        if (what === 'ECONNREFUSED' || (what === 'ECONNRESET' && !known)) {
          await sleep(20);
          continue;
        }
        answers[what] = (answers[what] ?? 0) + 1;
        return;
      }
      answers['nobody there'] = (answers['nobody there'] ?? 0) + 1;
    };
    const post = async (base: string, requestId: string) => {
      const { url, id } = fresh();
      const headers = { 'x-request-id': requestId };
      const { status, body, failure } = await sendRequest(`${base}/tiktok`, { headers, json: { url } });
      if (failure !== null)
        return standin.journal.find({ postId: id }).length > 0 ? `lost post, ${failure}` : failure;
      const { id: got } = JSON.parse(body.toString()) as { id?: string };
      return status === 200 && got === id ? 'post' : `post ${status}`;
    };
    const file = async (base: string, requestId: string) => {
      const headers = { 'x-request-id': requestId };
      const link = `${base}${token.pathname}${token.search}`;
      const { status, failure, sha256, whole } = await sendRequest(link, { headers });
      if (failure !== null && status === 0) return failure;
      return status === 200 && whole && sha256 === truth ? 'file' : `file ${status} whole: ${whole}`;
    };
    const clients = Array.from({ length: 10 }, async (_, index) => {
      while (!over) {
        await balanced(index % 2 ? post : file);
        await sleep(10);
      }
    });
    for (const index of [0, 1]) {
      await sleep(1500);
      const old = instances[index] as Service;
      old.kill('SIGTERM');
      expect(await old.exited).toBe(0);
      await old.stop();
      instances[index] = await startService(standin, env);
    }
    await sleep(1500);
    over = true;
    await Promise.all(clients);
    await Promise.all(instances.map((one) => one.stop()));
    process.stdout.write(`\nrolling restart: ${JSON.stringify({ ...answers, resets })}\n`);
    expect(resets).toBeLessThan(20);
    expect(Object.keys(answers).sort()).toEqual(['file', 'post']);
    expect((answers.file ?? 0) + (answers.post ?? 0)).toBeGreaterThan(50);
  });
});

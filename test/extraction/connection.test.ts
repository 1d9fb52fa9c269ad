import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Connection, ConnectionLost } from '../../src/extraction/connection.ts';
import { LineSplitter } from '../../src/extraction/lines.ts';
import { type Hello, type Job, PROTOCOL } from '../../src/extraction/protocol.ts';

const HELLO: Hello = {
  protocol: PROTOCOL,
  pid: 4711,
  host: 4710,
  ytdlp: '2026.10.26',
  python: '3.11.2',
  curlCffi: '0.14.0',
  impersonation: true,
  targets: [],
};
const JOB: Omit<Job, 'id'> = {
  op: 'resolve',
  platform: 'tiktok',
  post: '',
  url: 'https://vm.tiktok.com/x/',
  timeout: 5,
  proxy: null,
};

let dir: string;
let path: string;
let host: Server;
let sockets: Socket[];

const say = (socket: Socket, message: unknown) => socket.write(`${JSON.stringify(message)}\n`);

/** A host whose children greet, then do this with each job. */
async function hostThat(
  greet: (socket: Socket) => void,
  answer?: (socket: Socket, job: Job) => void,
): Promise<void> {
  host.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    const lines = new LineSplitter();
    socket.on('data', (chunk) => {
      for (const line of lines.push(chunk)) answer?.(socket, JSON.parse(line) as Job);
    });
    greet(socket);
  });
  host.listen(path);
  await once(host, 'listening');
}

const greets = (socket: Socket) => say(socket, HELLO);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'host-'));
  path = join(dir, 's');
  host = createServer();
  sockets = [];
});

afterEach(() => {
  vi.useRealTimers();
  for (const socket of sockets) socket.destroy();
  host.close();
  rmSync(dir, { recursive: true, force: true });
});

describe('opening a connection', () => {
  it("resolves with the child's hello", async () => {
    await hostThat(greets);
    const connection = await Connection.open(path);
    expect(connection.hello).toEqual(HELLO);
    connection.close();
  });

  it('reads a hello that arrives byte by byte', async () => {
    await hostThat((socket) => {
      socket.setNoDelay(true);
      for (const byte of Buffer.from(`${JSON.stringify(HELLO)}\n`)) socket.write(Buffer.of(byte));
    });
    const connection = await Connection.open(path);
    expect(connection.hello.pid).toBe(4711);
    connection.close();
  });

  it.each<[string, (socket: Socket) => void]>([
    ['has another protocol', (socket) => say(socket, { ...HELLO, protocol: PROTOCOL + 1 })],
    ['disconnects before its hello', (socket) => socket.end()],
    ['disconnects within its hello', (socket) => socket.end('{"protocol":')],
    ['sends something that is no JSON', (socket) => socket.write('Traceback (most recent call last):\n')],
    ['sends something that is no hello', (socket) => say(socket, null)],
    ['is killed', (socket) => socket.destroy()],
  ])('fails as ConnectionLost where the child %s', async (_, greet) => {
    await hostThat(greet);
    await expect(Connection.open(path)).rejects.toBeInstanceOf(ConnectionLost);
  });

  it('names both protocols where they differ', async () => {
    await hostThat((socket) => say(socket, { ...HELLO, protocol: 99 }));
    await expect(Connection.open(path)).rejects.toThrow(new RegExp(`\\b99\\b.*\\b${PROTOCOL}\\b`));
  });

  it('fails as ConnectionLost where there is no host', async () => {
    await expect(Connection.open(join(dir, 'nobody'))).rejects.toBeInstanceOf(ConnectionLost);
  });

  it('fails as ConnectionLost after ten seconds of silence', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await hostThat(() => {});
    const refused = expect(Connection.open(path)).rejects.toBeInstanceOf(ConnectionLost);
    await once(host, 'connection');
    vi.advanceTimersByTime(10_000);
    await refused;
  });

  it('leaves no socket behind where it failed', async () => {
    await hostThat((socket) => say(socket, { ...HELLO, protocol: 99 }));
    await expect(Connection.open(path)).rejects.toThrow();
    const [socket] = sockets;
    if (socket && !socket.closed) await once(socket, 'close');
    expect(socket?.closed).toBe(true);
  });
});

describe('a request', () => {
  it('reaches the child unchanged, with an id', async () => {
    const asked: Job[] = [];
    await hostThat(greets, (socket, job) => {
      asked.push(job);
      say(socket, { id: job.id, ok: true, location: 'x' });
    });
    const connection = await Connection.open(path);
    await connection.request(JOB);
    expect(asked).toEqual([{ ...JOB, id: expect.any(Number) }]);
    connection.close();
  });

  it("resolves with the child's reply", async () => {
    await hostThat(greets, (socket, { id }) =>
      say(socket, { id, ok: true, location: 'https://example.com/' }),
    );
    const connection = await Connection.open(path);
    await expect(connection.request(JOB)).resolves.toMatchObject({
      ok: true,
      location: 'https://example.com/',
    });
    connection.close();
  });

  it('can be followed by others on the same connection', async () => {
    await hostThat(greets, (socket, { id, url }) => say(socket, { id, ok: true, location: url }));
    const connection = await Connection.open(path);
    const urls = ['1', '2', '3'];
    const replies: unknown[] = [];
    for (const url of urls) replies.push(await connection.request({ ...JOB, url }));
    expect(replies).toEqual(urls.map((location) => expect.objectContaining({ location })));
    connection.close();
  });

  it('joins a reply that arrives in many pieces', async () => {
    const location = 'ü'.repeat(500_000);
    await hostThat(greets, (socket, { id }) => say(socket, { id, ok: true, location }));
    const connection = await Connection.open(path);
    const reply = await connection.request(JOB);
    expect('location' in reply && reply.location === location).toBe(true);
    connection.close();
  });

  it.each<[string, (socket: Socket, job: Job) => void]>([
    ['disconnects', (socket) => socket.end()],
    ['is killed', (socket) => socket.destroy()],
    ['disconnects within its reply', (socket, { id }) => socket.end(`{"id":${id},"ok":tr`)],
    ['sends something that is no JSON', (socket) => socket.write('Segmentation fault\n')],
    ['replies to another job', (socket, { id }) => say(socket, { id: id + 1, ok: true, location: 'x' })],
    ['sends something that is no reply', (socket) => say(socket, null)],
  ])('fails as ConnectionLost where the child %s', async (_, answer) => {
    await hostThat(greets, answer);
    const connection = await Connection.open(path);
    await expect(connection.request(JOB)).rejects.toBeInstanceOf(ConnectionLost);
    expect(connection.closed).toBe(true);
  });

  it('fails at once on a closed connection', async () => {
    await hostThat(greets);
    const connection = await Connection.open(path);
    connection.close();
    await expect(connection.request(JOB)).rejects.toBeInstanceOf(ConnectionLost);
  });
});

describe('closing', () => {
  it('rejects the waiting request with its reason', async () => {
    await hostThat(greets);
    const connection = await Connection.open(path);
    const reason = new ConnectionLost('the child hung');
    const waiting = expect(connection.request(JOB)).rejects.toBe(reason);
    connection.close(reason);
    await waiting;
  });

  it('keeps the first reason when called twice', async () => {
    await hostThat(greets);
    const connection = await Connection.open(path);
    const first = new ConnectionLost('first');
    connection.close(first);
    connection.close(new ConnectionLost('second'));
    await expect(connection.request(JOB)).rejects.toBe(first);
  });

  it('ends the input of the child, which then exits', async () => {
    await hostThat(greets);
    const connection = await Connection.open(path);
    const [socket] = sockets;
    const ended = socket && once(socket, 'close');
    connection.close();
    await ended;
    expect(socket?.closed).toBe(true);
  });

  it('happens when the child disconnects while idle', async () => {
    await hostThat(greets);
    const connection = await Connection.open(path);
    sockets[0]?.end();
    await vi.waitFor(() => expect(connection.closed).toBe(true), { timeout: 10_000 });
  });

  it('happens when the child sends something without a request', async () => {
    await hostThat(greets);
    const connection = await Connection.open(path);
    if (sockets[0]) say(sockets[0], { id: 1, ok: true, location: 'x' });
    await vi.waitFor(() => expect(connection.closed).toBe(true), { timeout: 10_000 });
  });
});

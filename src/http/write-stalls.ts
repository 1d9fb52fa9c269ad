import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Services } from '../services.ts';

/**
 * Disconnects clients that take nothing of their response: soon where it is in memory, after DOWNLOAD_TIMEOUT for a
 * stream, of which they also have to take a minimum in that time.
 */
export function limitWriteStalls(
  app: FastifyInstance,
  { config, limits }: Pick<Services, 'config' | 'limits'>,
): void {
  const { writeStallMs, minBytesPerSecond } = limits.connection;
  const { stallTimeoutMs } = config.relay;
  app.addHook('onSend', async (request, { raw }, payload) => {
    const isStream = payload instanceof Readable;
    const stallMs = isStream ? stallTimeoutMs : Math.min(writeStallMs, stallTimeoutMs);
    const disconnect = (taken: string) => {
      request.outcome = { ...request.outcome, reason: `the client took ${taken} for ${stallMs} ms` };
      raw.destroy();
    };
    raw.setTimeout(stallMs, () => {
      // A stream without a byte to send waits for its source, which has time limits of its own.
      if (!isStream || raw.socket?.writableLength) disconnect('no data');
    });
    if (!isStream) return;
    const leastBytes = (minBytesPerSecond * stallMs) / 1000;
    whereBlocked(raw, stallMs, (bytes) => {
      if (bytes < leastBytes) disconnect(`${bytes} bytes`);
    });
  });
}

/** Calls back at each interval in which a response waits for its client, with the bytes taken since the last one. */
function whereBlocked(response: ServerResponse, intervalMs: number, report: (bytes: number) => void): void {
  let before = 0;
  const timer = setInterval(() => {
    const { socket } = response;
    if (!socket) return;
    const taken = socket.bytesWritten - socket.writableLength;
    if (socket.writableNeedDrain) report(taken - before);
    before = taken;
  }, intervalMs).unref();
  response.once('close', () => clearInterval(timer));
}

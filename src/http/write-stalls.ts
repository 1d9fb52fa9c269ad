import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Services } from '../services.ts';

/** Disconnects clients that take nothing of their response: soon where it is in memory, after DOWNLOAD_TIMEOUT for a stream. */
export function limitWriteStalls(
  app: FastifyInstance,
  { config, limits }: Pick<Services, 'config' | 'limits'>,
): void {
  app.addHook('onSend', async (request, { raw }, payload) => {
    const stallMs =
      payload instanceof Readable
        ? config.relay.stallTimeoutMs
        : Math.min(limits.connection.writeStallMs, config.relay.stallTimeoutMs);
    raw.setTimeout(stallMs, () => {
      request.outcome = { ...request.outcome, reason: `the client took no data for ${stallMs} ms` };
      raw.destroy();
    });
  });
}

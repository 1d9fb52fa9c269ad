import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Config, ConfigError } from './config.ts';

/**
 * Checks the addresses of the listeners before anything is started.
 * @throws ConfigError naming the variable
 */
export async function assertPortsFree({ server }: Config): Promise<void> {
  const { host, port, managementPort } = server;
  await assertFree('PORT', host, port);
  if (managementPort === null) return;
  if (managementPort === port && port !== 0)
    throw new ConfigError('MANAGEMENT_PORT must be another than PORT');
  await assertFree('MANAGEMENT_PORT', host, managementPort);
}

async function assertFree(name: string, host: string, port: number): Promise<void> {
  const probe = createServer();
  try {
    probe.listen({ host, port });
    await once(probe, 'listening');
  } catch (error) {
    throw explainListenError(error, name);
  }
  probe.close();
  await once(probe, 'close');
}

/** A ConfigError where a listener cannot have its address, the error itself otherwise. */
export function explainListenError(error: unknown, portName: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE' || code === 'EACCES')
    return new ConfigError(`${portName} must be free to use: ${message}`);
  if (code === 'ENOTFOUND' || code === 'EADDRNOTAVAIL')
    return new ConfigError(`HOST must be an address of this machine: ${message}`);
  return error;
}

import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Config, ConfigError } from './config.ts';
import type { ExtractorStatus } from './extraction/index.ts';
import { canIsolate } from './ffmpeg/index.ts';
import { availableMemory } from './memory.ts';
import type { Services } from './services.ts';

/**
 * Checks the addresses of the listeners before anything is started.
 * @param bind for tests: tries a listener and closes it
 * @returns the configuration, with 0.0.0.0 as HOST in place of :: on a machine without IPv6
 * @throws ConfigError naming the variable
 */
export async function assertPortsFree(config: Config, bind = tryListener): Promise<Config> {
  const { port, managementPort } = config.server;
  const host = config.server.host === '::' ? await anyAddress(bind) : config.server.host;
  await assertFree('PORT', () => bind(host, port));
  if (managementPort !== null) {
    if (managementPort === port && port !== 0)
      throw new ConfigError('MANAGEMENT_PORT must be another than PORT');
    await assertFree('MANAGEMENT_PORT', () => bind(host, managementPort));
  }
  return { ...config, server: { ...config.server, host } };
}

async function anyAddress(bind: typeof tryListener): Promise<'::' | '0.0.0.0'> {
  return bind('::', 0).then(
    () => '::',
    () => '0.0.0.0',
  );
}

async function assertFree(name: string, tryIt: () => Promise<void>): Promise<void> {
  try {
    await tryIt();
  } catch (error) {
    throw explainListenError(error, name);
  }
}

async function tryListener(host: string, port: number): Promise<void> {
  const probe = createServer();
  probe.listen({ host, port });
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
}

/** A ConfigError where a listener cannot have its address, the error itself otherwise. */
function explainListenError(error: unknown, portName: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE' || code === 'EACCES')
    return new ConfigError(`${portName} must be free to use: ${message}`);
  if (code === 'ENOTFOUND' || code === 'EADDRNOTAVAIL')
    return new ConfigError(`HOST must be an address of this machine: ${message}`);
  return error;
}

interface Listener {
  listen(options: { host: string; port: number; backlog?: number }): Promise<unknown>;
}

interface Servers {
  server: Listener;
  management: Listener | null;
}

/**
 * Opens the listeners, and logs what was started.
 * @param engine the state of yt-dlp
 * @throws ConfigError naming the variable
 */
export async function listen(
  { server, management }: Servers,
  services: Services,
  engine: () => ExtractorStatus,
) {
  const { config, limits, log, warnings } = services;
  const { host, port, managementPort } = config.server;
  const { backlog } = limits.process;
  try {
    await server.listen({ host, port, backlog });
  } catch (error) {
    throw explainListenError(error, 'PORT');
  }
  try {
    await management?.listen({ host, port: managementPort ?? 0 });
  } catch (error) {
    throw explainListenError(error, 'MANAGEMENT_PORT');
  }
  log.info(summaryOf(services, engine()), 'service started');
  for (const warning of warnings) log.warn(warning);
}

/** What an operator wants to see of a start in one line. */
function summaryOf({ config, version, health }: Services, { workers, host }: ExtractorStatus) {
  const { redis, cookies, ffmpeg } = health.report();
  return {
    version,
    mode: config.production ? 'production' : 'development',
    node: process.version,
    ytdlp: host?.ytdlp ?? null,
    ffmpeg,
    workers: workers.max,
    memoryMb: Math.floor(availableMemory() / 1024 / 1024),
    baseUrl: config.server.baseUrl ?? 'of each request',
    managementPort: config.server.managementPort,
    proxies: config.egress.proxies.length,
    vpn: config.egress.gluetunUrl !== null,
    redis: redis?.state ?? 'not configured',
    decoders: canIsolate() ? 'without network' : 'with network: no user namespaces',
    cookies: cookies ? (cookies.problem ?? `${cookies.age_days} days old`) : 'none',
  };
}

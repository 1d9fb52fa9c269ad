import { fileURLToPath } from 'node:url';
import { config as loadDotenv } from 'dotenv';
import { type App, buildApp } from './app.ts';
import { type Config, ConfigError, loadConfig } from './config.ts';
import { createLog } from './log.ts';

/** The folder that holds package.json: dist/ or src/ lies in it. */
const PROJECT_ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Connections that the kernel may hold until we take them. Node's 511 is too few for a rush of thousands. */
const BACKLOG = 4096;

async function main(): Promise<void> {
  loadDotenv({ quiet: true });
  const config = readConfig();
  const log = createLog(config.server.logLevel);
  const app = await buildApp(config, PROJECT_ROOT, log);
  handleSignals(app, config);
  try {
    const { host, port } = config.server;
    await app.server.listen({ host, port, backlog: BACKLOG });
  } catch (error) {
    await app.close();
    throw explainListenError(error);
  }
}

/** Names the variable that asks for an address which cannot be had. */
function explainListenError(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE' || code === 'EACCES')
    return new ConfigError(`PORT must be free to use: ${message}`);
  if (code === 'ENOTFOUND' || code === 'EADDRNOTAVAIL')
    return new ConfigError(`HOST must be an address of this machine: ${message}`);
  return error;
}

function readConfig(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (error instanceof ConfigError) fail(error.message);
    throw error;
  }
}

/** How often connections that have become idle are closed while the service ends. */
const IDLE_CHECK_MS = 100;
/** For the last answers (`busy`) to get out, and then for everything behind the routes to end. */
const FLUSH_MS = 1000;
const CLOSE_LIMIT_MS = 15_000;

/** The first signal lets running answers finish within the grace; a second one ends at once. */
function handleSignals(app: App, { server: { shutdownGraceMs } }: Config): void {
  let ending = false;
  const end = (signal: NodeJS.Signals) => {
    if (ending) process.exit(1);
    ending = true;
    app.health.draining = true;
    const { server } = app.server;
    app.server.log.info({ signal, graceMs: shutdownGraceMs }, 'shutting down');
    // A connection whose answer had begun before has not been told to close: it would hold us up until it times out.
    const idle = setInterval(() => app.closeIdle(), IDLE_CHECK_MS);
    const impatience = setTimeout(() => {
      app.abortAll();
      setTimeout(() => server.closeAllConnections(), FLUSH_MS);
      setTimeout(() => process.exit(1), FLUSH_MS + CLOSE_LIMIT_MS);
    }, shutdownGraceMs);
    app.server
      .close()
      .then(() => {
        clearInterval(idle);
        clearTimeout(impatience);
        setTimeout(() => process.exit(1), CLOSE_LIMIT_MS);
        return app.close();
      })
      .then(
        () => process.exit(0),
        (err) => {
          app.server.log.error({ err }, 'the shutdown failed');
          process.exit(1);
        },
      );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

main().catch((error: Error) =>
  fail(error instanceof ConfigError ? error.message : `The service could not start: ${error.message}`),
);

import { fileURLToPath } from 'node:url';
import { config as loadDotenv } from 'dotenv';
import { type App, buildApp } from './app.ts';
import { type Config, ConfigError, loadConfig } from './config.ts';
import { createLog } from './log.ts';

/** The folder that holds package.json: dist/ or src/ lies in it. */
const PROJECT_ROOT = fileURLToPath(new URL('..', import.meta.url));

async function main(): Promise<void> {
  loadDotenv({ quiet: true });
  const config = readConfig();
  const log = createLog(config.server.logLevel);
  const app = await buildApp(config, PROJECT_ROOT, log);
  endOnSignal(app, config);
  try {
    await app.server.listen({ host: config.server.host, port: config.server.port });
  } catch (error) {
    await app.close();
    throw error;
  }
}

function readConfig(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (error instanceof ConfigError) fail(error.message);
    throw error;
  }
}

/** The first signal lets running answers finish within the grace; a second one ends at once. */
function endOnSignal(app: App, { server }: Config): void {
  let ending = false;
  const end = (signal: NodeJS.Signals) => {
    if (ending) process.exit(1);
    ending = true;
    app.health.draining = true;
    app.server.log.info({ signal, graceMs: server.shutdownGraceMs }, 'shutting down');
    const impatience = setTimeout(() => app.server.server.closeAllConnections(), server.shutdownGraceMs);
    app.server
      .close()
      .then(() => app.close())
      .then(
        () => {
          clearTimeout(impatience);
          process.exit(0);
        },
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

main().catch((error: Error) => fail(`The service could not start: ${error.message}`));

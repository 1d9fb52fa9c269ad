import { join } from 'node:path';
import { config as loadDotenv } from 'dotenv';
import { buildApp } from './app.ts';
import { type Config, ConfigError, loadConfig, PROJECT_ROOT } from './config.ts';
import { assertPortsFree } from './listen.ts';
import { createLog } from './log.ts';

async function main(): Promise<void> {
  loadDotenv({ quiet: true, path: process.env.DOTENV_CONFIG_PATH ?? join(PROJECT_ROOT, '.env') });
  const config: Config = await assertPortsFree(loadConfig(process.env));
  const log = createLog(config.server.logLevel);
  const app = await buildApp(config, PROJECT_ROOT, log);
  app.shutDownOnSignals();
  try {
    await app.listen();
  } catch (error) {
    await app.close();
    throw error;
  }
}

main().catch((error: Error) => {
  const message =
    error instanceof ConfigError ? error.message : `The service could not start: ${error.message}`;
  process.stderr.write(`${message}\n`);
  process.exit(1);
});

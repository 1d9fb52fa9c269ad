// @ts-check
/**
 *   npm run keys -- add NAME [--per-minute N] [--expires DATE] [--origin ORIGIN]… [--network NETWORK]…
 *   npm run keys -- list
 *   npm run keys -- revoke NAME
 *
 * The API keys in the file API_KEYS_PATH. `add` prints the key, once: the file has only its hash. A running service reads
 * the file again within seconds.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { config as loadDotenv } from 'dotenv';

loadDotenv({ quiet: true });
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { hashKey, parseKeyFile } = await import(new URL('../dist/access/index.js', import.meta.url).href);

/** For scanners that look for secrets in public places. */
const PREFIX = 'ttdl_';

/** @returns {string} what to print */
function run() {
  const { values, positionals } = parseArgs({
    options: {
      'per-minute': { type: 'string' },
      expires: { type: 'string' },
      origin: { type: 'string', multiple: true },
      network: { type: 'string', multiple: true },
    },
    allowPositionals: true,
  });
  const [command, name, ...rest] = positionals;
  const given = process.env.API_KEYS_PATH?.trim();
  if (!given)
    throw new Error('API_KEYS_PATH must be set: the path of the file of keys, made by the first `add`');
  const wanted = resolve(root, given);
  const path = existsSync(wanted) ? realpathSync(wanted) : wanted;
  const keys = existsSync(path) ? parseKeyFile(readFileSync(path, 'utf8')) : {};
  if (command === 'list' && name === undefined) return table(keys);
  if (!name || rest.length > 0 || !['add', 'revoke'].includes(command ?? '')) {
    throw new Error('usage: npm run keys -- add NAME [options] | list | revoke NAME');
  }
  if (command === 'revoke') {
    if (!Object.hasOwn(keys, name)) throw new Error(`there is no key ${name}`);
    delete keys[name];
    write(path, keys);
    return `revoked ${name}\n`;
  }
  if (Object.hasOwn(keys, name)) throw new Error(`there is a key ${name}: revoke it first`);
  const key = PREFIX + randomBytes(32).toString('base64url');
  const { 'per-minute': perMinute, expires, origin: origins, network: networks } = values;
  const entry = {
    sha256: hashKey(key),
    created: new Date().toISOString(),
    ...(perMinute !== undefined && { per_minute: Number(perMinute) }),
    ...(expires !== undefined && { expires }),
    ...(origins && { origins }),
    ...(networks && { networks }),
  };
  write(path, { ...keys, [name]: entry });
  return `${key}\n`;
}

/**
 * In one step, so that the service never reads half of it.
 * @param {string} path
 * @param {Record<string, unknown>} keys
 */
function write(path, keys) {
  const text = `${JSON.stringify(keys, null, 2)}\n`;
  parseKeyFile(text);
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** @param {import('../src/access/index.ts').KeyFile} keys */
function table(keys) {
  const lines = Object.entries(keys).map(([name, { per_minute, expires, origins = [], networks = [] }]) =>
    [
      name,
      `${per_minute ?? 'RATE_LIMIT_MAX'} a minute`,
      expires === undefined ? 'for ever' : `until ${expires}`,
      ...origins,
      ...networks,
    ].join('  '),
  );
  return lines.map((line) => `${line}\n`).join('');
}

try {
  process.stdout.write(run());
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

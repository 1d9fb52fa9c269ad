import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { Secret } from '../secret.ts';

/**
 * The key of a service without ENCRYPTION_KEY: created once and kept in a file that only its owner may read, so that
 * links survive a restart.
 * @throws the file system's error when it can be neither read nor written
 */
export function loadOrCreateKey(path: string): Secret {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, randomBytes(32).toString('base64url'), { mode: 0o600 });
  try {
    // A hard link appears whole or not at all, so two instances that start together read the same key.
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(draft);
  }
  chmodSync(path, 0o600);
  return new Secret(readFileSync(path, 'utf8').trim());
}

import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, linkSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { Secret } from '../secret.ts';

/**
 * The key of a service without ENCRYPTION_KEY: created once and kept in a file that only its owner may read, so that
 * links survive a restart.
 * @throws the file system's error when it can be neither read nor written
 */
export function loadOrCreateKey(path: string): Secret {
  if (existsSync(path)) closeToOthers(path);
  else create(path);
  return new Secret(readFileSync(path, 'utf8').trim());
}

function create(path: string): void {
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
}

function closeToOthers(path: string): void {
  if ((statSync(path).mode & 0o077) === 0) return;
  try {
    chmodSync(path, 0o600);
  } catch {
    // A file on a read-only disk, or of another user, is used as it is.
  }
}

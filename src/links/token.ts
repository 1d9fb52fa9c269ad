import { createCipheriv, createDecipheriv, hkdfSync, randomFillSync, scryptSync } from 'node:crypto';
import { ServiceError } from '../errors.ts';

/*
 * A token, in bytes:
 *
 *   version 1 | key id 4 | expiry, Unix seconds 4 | nonce 12 | ciphertext | tag 16
 *
 * AES-256-GCM; everything before the ciphertext is additional data. Each purpose and each hour of expiry has its own
 * key (HKDF), so that a token opens only for its route, and random nonces stay far below their limit of 2^32 for each
 * key (NIST SP 800-38D §8.3). Tokens of version 1 have a key for each day.
 */
const VERSION = 2;
const SECONDS_PER_KEY: Readonly<Record<number, number>> = { 1: 86_400, 2: 3600 };
const HEADER_BYTES = 21;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Fixed, so that every instance with the passphrase derives the same key. */
const SALT = 'tiktok-downloader-service links v1';
const STRICT_BASE64URL = /^[A-Za-z0-9_-]+$/;

/** Derived keys that are cached; forged expiries must not fill the memory. */
const MAX_DERIVED = 256;

interface MasterKey {
  id: Buffer;
  bytes: Buffer;
  derived: Map<string, Buffer>;
}

/** Seals bytes into tokens with a purpose and an expiry, and opens them again. */
export class TokenSealer {
  readonly #keys: readonly [MasterKey, ...MasterKey[]];
  readonly #nonces = new Nonces();

  /** Slow (scrypt). @param previous passphrases of earlier tokens, which only open */
  constructor(current: string, previous: readonly string[] = []) {
    this.#keys = [masterKey(current), ...previous.map(masterKey)];
  }

  seal(purpose: string, content: Buffer, expiresAtMs: number): string {
    const [key] = this.#keys;
    const expiry = Math.floor(expiresAtMs / 1000);
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header.writeUInt8(VERSION, 0);
    key.id.copy(header, 1);
    header.writeUInt32BE(expiry, 5);
    const nonce = this.#nonces.next();
    nonce.copy(header, 9);
    const cipher = createCipheriv('aes-256-gcm', derive(key, VERSION, purpose, expiry), nonce, {
      authTagLength: TAG_BYTES,
    });
    cipher.setAAD(header);
    return Buffer.concat([header, cipher.update(content), cipher.final(), cipher.getAuthTag()]).toString(
      'base64url',
    );
  }

  /** @throws ServiceError `link_invalid` for whatever was not sealed with these keys and purpose; `link_expired` */
  unseal(purpose: string, token: string): { content: Buffer; expiresAtMs: number } {
    const bytes = decode(token);
    const key = this.#keys.find(({ id }) => bytes.subarray(1, 5).equals(id));
    const [version = 0] = bytes;
    if (!key || !(version in SECONDS_PER_KEY) || bytes.length < HEADER_BYTES + TAG_BYTES) {
      throw new ServiceError('link_invalid');
    }
    const expiry = bytes.readUInt32BE(5);
    const nonce = bytes.subarray(9, HEADER_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', derive(key, version, purpose, expiry), nonce, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(bytes.subarray(0, HEADER_BYTES));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    let content: Buffer;
    try {
      content = Buffer.concat([decipher.update(bytes.subarray(HEADER_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch (cause) {
      throw new ServiceError('link_invalid', { cause });
    }
    // Checked last: only the holder of an authentic token learns that it has expired.
    if (expiry * 1000 <= Date.now()) throw new ServiceError('link_expired');
    return { content, expiresAtMs: expiry * 1000 };
  }
}

/** Random nonces, generated in batches because a call for each costs more than the encryption. */
class Nonces {
  readonly #pool = Buffer.alloc(512 * NONCE_BYTES);
  #used = this.#pool.length;

  /** Valid until the next call: the memory is reused. */
  next(): Buffer {
    if (this.#used === this.#pool.length) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    this.#used += NONCE_BYTES;
    return this.#pool.subarray(this.#used - NONCE_BYTES, this.#used);
  }
}

/** Decodes base64url strictly: Node's decoder skips unknown characters. */
function decode(token: string): Buffer {
  const bytes = STRICT_BASE64URL.test(token) ? Buffer.from(token, 'base64url') : Buffer.alloc(0);
  if (bytes.length === 0 || bytes.toString('base64url') !== token) throw new ServiceError('link_invalid');
  return bytes;
}

function masterKey(passphrase: string): MasterKey {
  const bytes = scryptSync(passphrase, SALT, 32);
  const id = Buffer.from(hkdfSync('sha256', bytes, '', 'key id', 4));
  return { id, bytes, derived: new Map() };
}

function derive(key: MasterKey, version: number, purpose: string, expiry: number): Buffer {
  const period = Math.floor(expiry / (SECONDS_PER_KEY[version] ?? 1));
  const info = version === 1 ? `${purpose} ${period}` : `${purpose} v${version} ${period}`;
  const cached = key.derived.get(info);
  if (cached) return cached;
  const derived = Buffer.from(hkdfSync('sha256', key.bytes, '', info, 32));
  if (key.derived.size >= MAX_DERIVED) key.derived.clear();
  key.derived.set(info, derived);
  return derived;
}

import { createCipheriv, createDecipheriv, hkdfSync, randomFillSync, scryptSync } from 'node:crypto';
import { ServiceError } from '../errors.ts';

/*
 * A token, as bytes:
 *
 *   version 1 | key id 4 | expiry, Unix seconds 4 | nonce 12 | ciphertext | tag 16
 *
 * AES-256-GCM. Each purpose and each day of expiry has a key of its own (HKDF), so that a token opens only for the
 * route it was made for and random nonces stay far below their limit of 2^32 a key. All that comes before the
 * ciphertext is bound as additional data.
 */
const VERSION = 1;
const HEADER_BYTES = 21;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SECONDS_PER_DAY = 86_400;

/** A fixed salt: the derivation must give the same key on every instance that has the passphrase. */
const SALT = 'tiktok-downloader-service links v1';
const STRICT_BASE64URL = /^[A-Za-z0-9_-]+$/;

/** Derived keys that are kept; forged expiries could otherwise fill the memory. */
const MAX_DERIVED = 64;

interface MasterKey {
  id: Buffer;
  bytes: Buffer;
  derived: Map<string, Buffer>;
}

/** Seals bytes into tokens for one purpose until one time, and opens them again. Knows nothing of what is inside. */
export class TokenSealer {
  readonly #keys: readonly [MasterKey, ...MasterKey[]];
  readonly #nonces = new Nonces();

  /** Takes some 60 ms a passphrase (scrypt): make one at the start. Later ones only open, for key rotation. */
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
    const cipher = createCipheriv('aes-256-gcm', derive(key, purpose, expiry), nonce, {
      authTagLength: TAG_BYTES,
    });
    cipher.setAAD(header);
    return Buffer.concat([header, cipher.update(content), cipher.final(), cipher.getAuthTag()]).toString(
      'base64url',
    );
  }

  /** @throws ServiceError `link_invalid` for all that this box did not seal for this purpose; `link_expired` */
  unseal(purpose: string, token: string): { content: Buffer; expiresAtMs: number } {
    const bytes = decode(token);
    const key = this.#keys.find((one) => bytes.subarray(1, 5).equals(one.id));
    if (!key || bytes[0] !== VERSION || bytes.length < HEADER_BYTES + TAG_BYTES)
      throw new ServiceError('link_invalid');
    const expiry = bytes.readUInt32BE(5);
    const nonce = bytes.subarray(9, HEADER_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', derive(key, purpose, expiry), nonce, {
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
    // Only now: who cannot make tokens learns nothing about their times.
    if (expiry * 1000 <= Date.now()) throw new ServiceError('link_expired');
    return { content, expiresAtMs: expiry * 1000 };
  }
}

/** Random bytes by the thousand: asking for twelve of them at a time costs more than the encryption. */
class Nonces {
  readonly #pool = Buffer.alloc(512 * NONCE_BYTES);
  #used = this.#pool.length;

  /** To be used before the next one is asked for: the memory is filled again. */
  next(): Buffer {
    if (this.#used === this.#pool.length) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    this.#used += NONCE_BYTES;
    return this.#pool.subarray(this.#used - NONCE_BYTES, this.#used);
  }
}

/** Node's base64url decoding skips what it does not know; only the one true spelling may pass. */
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

function derive(key: MasterKey, purpose: string, expiry: number): Buffer {
  const info = `${purpose} ${Math.floor(expiry / SECONDS_PER_DAY)}`;
  const known = key.derived.get(info);
  if (known) return known;
  const fresh = Buffer.from(hkdfSync('sha256', key.bytes, '', info, 32));
  if (key.derived.size >= MAX_DERIVED) key.derived.clear();
  key.derived.set(info, fresh);
  return fresh;
}

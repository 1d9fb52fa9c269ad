import { createHash, createHmac, randomBytes } from 'node:crypto';

/** Secrets of one stand-in: its cookies and its links are its own, and nobody else's are accepted. */
export class Signer {
  #secret = randomBytes(16);

  /** 32 hex digits over the parts. */
  sign(...parts: string[]): string {
    return createHmac('md5', this.#secret).update(parts.join('\n')).digest('hex');
  }

  /**
   * A `tt_chain_token` value: 24 characters of base64 that end in `==`, which Python's cookie encoder
   * quotes and the CDN does not accept quoted.
   */
  issueToken(): string {
    const nonce = randomBytes(8);
    return Buffer.concat([nonce, this.#mark(nonce)]).toString('base64');
  }

  isIssued(token: string): boolean {
    const bytes = Buffer.from(token, 'base64');
    if (bytes.length !== 16 || bytes.toString('base64') !== token) return false;
    return this.#mark(bytes.subarray(0, 8)).equals(bytes.subarray(8));
  }

  #mark(nonce: Buffer): Buffer {
    return createHmac('md5', this.#secret).update(nonce).digest().subarray(0, 8);
  }
}

/** Digest for things that only have to look random and be the same each time. */
export function digest(text: string): Buffer {
  return createHash('md5').update(text).digest();
}

/** Cookies of a request as the raw text that was sent, quotes and all. */
export function readCookies(header: string | undefined): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at > 0) cookies.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim());
  }
  return cookies;
}

import { digest } from './signing.ts';

/** Values of RFC 8701 that browsers sprinkle in at random. */
function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
}

/** Extensions that come and go within one client: padding, resumption, early data. */
const PASSING = new Set([21, 41, 42]);

/** 16-bit values of a list. */
function values(list: Buffer): number[] {
  return Array.from({ length: list.length >> 1 }, (_, index) => list.readUInt16BE(index * 2));
}

/**
 * Hash of a TLS ClientHello's ciphers and extensions (what JA4 looks at): the same for every connection of one
 * impersonation target. '' where the bytes are no ClientHello or not all of it.
 */
export function fingerprintOf(hello: Buffer): string {
  try {
    if (hello[0] !== 0x16 || hello[5] !== 0x01) return '';
    let at = 43 + 1 + (hello[43] ?? 0);
    const ciphers = values(hello.subarray(at + 2, at + 2 + hello.readUInt16BE(at)));
    at += 2 + hello.readUInt16BE(at);
    at += 1 + (hello[at] ?? 0);
    const end = at + 2 + hello.readUInt16BE(at);
    const extensions: string[] = [];
    for (at += 2; at < end; ) {
      const type = hello.readUInt16BE(at);
      const length = hello.readUInt16BE(at + 2);
      const body = hello.subarray(at + 4, at + 4 + length);
      // Of supported groups and signature algorithms the content tells too.
      const told = type === 10 || type === 13 ? values(body).filter((value) => !isGrease(value)) : [];
      if (!isGrease(type) && !PASSING.has(type)) extensions.push(`${type}:${told}`);
      at += 4 + length;
    }
    const kept = ciphers.filter((cipher) => !isGrease(cipher));
    return digest(`${kept} ${extensions.sort().join(' ')}`)
      .toString('hex')
      .slice(0, 12);
  } catch {
    return '';
  }
}

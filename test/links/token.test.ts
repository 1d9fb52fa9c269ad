import { createDecipheriv, hkdfSync, scryptSync } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ServiceError } from '../../src/errors.ts';
import { TokenSealer } from '../../src/links/index.ts';

const KEY = 'the key of these tests, 4711';
const sealer = new TokenSealer(KEY);
const HOUR = 3_600_000;
const inAnHour = () => Date.now() + HOUR;
const sealed = (text: string, purpose = 'stream', expiresAt = inAnHour()) =>
  sealer.seal(purpose, Buffer.from(text), expiresAt);

/** The code with which `open` fails; anything else fails the test. */
function refusalOf(open: () => unknown): string {
  try {
    open();
  } catch (error) {
    if (error instanceof ServiceError) return error.code;
    throw error;
  }
  throw new Error('it was opened');
}

const refusal = (token: string, purpose = 'stream', by = sealer) =>
  refusalOf(() => by.unseal(purpose, token));

const someBytes = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
const somePurpose = fc.constantFrom('stream', 'download', 'download-slideshow');

afterEach(() => {
  vi.useRealTimers();
});

describe('a token', () => {
  it('opens to the bytes that were sealed', () => {
    fc.assert(
      fc.property(someBytes, somePurpose, (content, purpose) => {
        const opened = sealer.unseal(purpose, sealer.seal(purpose, content, inAnHour()));
        expect(opened.content.equals(content)).toBe(true);
      }),
    );
  });

  it('says when it expires, in whole seconds', () => {
    const { expiresAtMs } = sealer.unseal('stream', sealed('x', 'stream', 4_000_000_000_999));
    expect(expiresAtMs).toBe(4_000_000_000_000);
  });

  it('needs no escaping in a URL', () => {
    fc.assert(
      fc.property(someBytes, (content) => {
        expect(sealer.seal('stream', content, inAnHour())).toMatch(/^[A-Za-z0-9_-]+$/);
      }),
    );
  });

  it('differs each time, for the same content', () => {
    const expiry = inAnHour();
    expect(sealed('x', 'stream', expiry)).not.toBe(sealed('x', 'stream', expiry));
  });

  it('hides its content', () => {
    const bytes = Buffer.from(sealed('find me if you can'), 'base64url');
    expect(bytes.includes('find me')).toBe(false);
  });

  it('opens on another instance that has the same key', () => {
    expect(new TokenSealer(KEY).unseal('stream', sealed('shared')).content.toString()).toBe('shared');
  });
});

describe('rejects as link_invalid', () => {
  it('any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => refusal(text) === 'link_invalid'),
    );
  });

  it('any base64url', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        (bytes) => refusal(Buffer.from(bytes).toString('base64url')) === 'link_invalid',
      ),
    );
  });

  it('any bytes after a valid version and key id', () => {
    const prefix = Buffer.from(sealed('x'), 'base64url').subarray(0, 5);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        (bytes) => refusal(Buffer.concat([prefix, bytes]).toString('base64url')) === 'link_invalid',
      ),
    );
  });

  it('a token with any one bit changed', () => {
    const bytes = Buffer.from(sealed('{"some":"content"}'), 'base64url');
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const forged = Buffer.from(bytes);
        const at = bit >> 3;
        forged.writeUInt8(forged.readUInt8(at) ^ (1 << (bit & 7)), at);
        return refusal(forged.toString('base64url')) === 'link_invalid';
      }),
      { numRuns: 500 },
    );
  });

  it('a token with any one character replaced', () => {
    const token = sealed('{"some":"content"}');
    fc.assert(
      fc.property(
        fc.nat(token.length - 1),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
        (at, other) => {
          fc.pre(token[at] !== other);
          return refusal(token.slice(0, at) + other + token.slice(at + 1)) === 'link_invalid';
        },
      ),
      { numRuns: 500 },
    );
  });

  it('a token cut off anywhere', () => {
    const token = sealed('{"some":"content"}');
    const codes = Array.from(token, (_, length) => refusal(token.slice(0, length)));
    expect(new Set(codes)).toEqual(new Set(['link_invalid']));
  });

  it('a token without its beginning', () => {
    const token = sealed('{"some":"content"}');
    const codes = Array.from(token, (_, start) => refusal(token.slice(start + 1)));
    expect(new Set(codes)).toEqual(new Set(['link_invalid']));
  });

  it('a token with anything appended', () => {
    const token = sealed('x');
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
        (more) => refusal(token + more) === 'link_invalid',
      ),
    );
  });

  it('two tokens spliced together', () => {
    const [one, two] = [sealed('first of them'), sealed('other of them')];
    fc.assert(
      fc.property(fc.integer({ min: 1, max: one.length - 1 }), (at) => {
        const spliced = one.slice(0, at) + two.slice(at);
        fc.pre(spliced !== one && spliced !== two); // both begin alike
        return refusal(spliced) === 'link_invalid';
      }),
    );
  });

  it.each([
    ['stream', 'download'],
    ['download', 'stream'],
    ['download', 'download-slideshow'],
    ['download-slideshow', 'download'],
    ['stream', ''],
  ])('a token for %s on %j', (made, asked) => {
    expect(refusal(sealed('x', made), asked)).toBe('link_invalid');
  });

  it('a token under a key that this server does not have', () => {
    const stranger = new TokenSealer('the key of somebody else, 0815');
    expect(refusal(stranger.seal('stream', Buffer.from('x'), inAnHour()))).toBe('link_invalid');
  });

  it('a token with a tag of four bytes', () => {
    const bytes = Buffer.from(sealed('content'), 'base64url');
    const short = Buffer.concat([bytes.subarray(0, -16), bytes.subarray(-16, -12)]);
    expect(refusal(short.toString('base64url'))).toBe('link_invalid');
  });

  it('a token whose expiry was put off', () => {
    const bytes = Buffer.from(sealed('x'), 'base64url');
    bytes.writeUInt32BE(bytes.readUInt32BE(5) + 60, 5);
    expect(refusal(bytes.toString('base64url'))).toBe('link_invalid');
  });
});

describe('rejects as link_invalid another spelling of a valid token:', () => {
  /** A token whose base64 ends inside a byte and has both characters that the standard alphabet lacks. */
  const token = (() => {
    // 40 bytes, one more than a multiple of three. A candidate fails in one case of two.
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const candidate = sealed('abc');
      if (candidate.includes('-') && candidate.includes('_')) return candidate;
    }
    throw new Error('200 tokens without both characters');
  })();
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

  /** The last character with its unused low bits set: the same bytes for a lenient decoder. */
  const nonCanonical = `${token.slice(0, -1)}${alphabet[alphabet.indexOf(token.slice(-1)) + 1]}`;

  it.each<[string, string]>([
    ['the standard alphabet for -', token.replaceAll('-', '+')],
    ['the standard alphabet for _', token.replaceAll('_', '/')],
    ['padding', `${token}${'='.repeat(4 - (token.length % 4))}`],
    ['spaces around it', ` ${token} `],
    ['a line break in it', `${token.slice(0, 20)}\n${token.slice(20)}`],
    ['a line break behind it', `${token}\n`],
    ['a character that is no base64', `${token.slice(0, 20)}!${token.slice(20)}`],
    ['a zero behind it', `${token}\0`],
    ['unused trailing bits', nonCanonical],
  ])('%s', (_, spelling) => {
    // Otherwise this would only show that a changed token is rejected.
    expect(Buffer.from(spelling, 'base64url').equals(Buffer.from(token, 'base64url'))).toBe(true);
    expect(refusal(spelling)).toBe('link_invalid');
  });
});

describe('expiry', () => {
  it('rejects a token as link_expired from that second on', () => {
    vi.useFakeTimers({ now: 2_000_000_000_000, toFake: ['Date'] });
    const token = sealed('x', 'stream', 2_000_000_060_000);
    vi.setSystemTime(2_000_000_059_999);
    expect(sealer.unseal('stream', token).content.toString()).toBe('x');
    vi.setSystemTime(2_000_000_060_000);
    expect(refusal(token)).toBe('link_expired');
  });

  it('is not revealed for a forged token: it is link_invalid', () => {
    const bytes = Buffer.from(sealed('x', 'stream', Date.now() - HOUR), 'base64url');
    bytes.writeUInt8(bytes.readUInt8(30) ^ 1, 30);
    expect(refusal(bytes.toString('base64url'))).toBe('link_invalid');
  });

  it('is not revealed on another route', () => {
    expect(refusal(sealed('x', 'stream', Date.now() - HOUR), 'download')).toBe('link_invalid');
  });
});

describe('rotation', () => {
  const NEW_KEY = 'the next key of these tests, 4712';
  const rotated = new TokenSealer(NEW_KEY, [KEY]);

  it('still opens tokens of the previous key', () => {
    expect(rotated.unseal('stream', sealed('old')).content.toString()).toBe('old');
  });

  it('seals with the new key', () => {
    const token = rotated.seal('stream', Buffer.from('new'), inAnHour());
    expect(new TokenSealer(NEW_KEY).unseal('stream', token).content.toString()).toBe('new');
  });

  it('rejects new tokens where only the old key is known', () => {
    expect(refusal(rotated.seal('stream', Buffer.from('new'), inAnHour()))).toBe('link_invalid');
  });

  it('rejects tokens of a key that is no longer configured', () => {
    expect(refusal(sealed('old'), 'stream', new TokenSealer(NEW_KEY))).toBe('link_invalid');
  });

  it('does not revive expired tokens', () => {
    expect(refusal(sealed('old', 'stream', Date.now() - HOUR), 'stream', rotated)).toBe('link_expired');
  });
});

describe('derived keys', () => {
  /** Opens a token by its documented format, with the key of this HKDF info. */
  function openWith(info: string, token: string): string {
    const bytes = Buffer.from(token, 'base64url');
    const master = scryptSync(KEY, 'tiktok-downloader-service links v1', 32);
    const key = Buffer.from(hkdfSync('sha256', master, '', info, 32));
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(9, 21), { authTagLength: 16 });
    decipher.setAAD(bytes.subarray(0, 21)).setAuthTag(bytes.subarray(-16));
    return Buffer.concat([decipher.update(bytes.subarray(21, -16)), decipher.final()]).toString();
  }

  it('belong to a purpose and an hour of expiry', () => {
    const hour = 500_000;
    for (const seconds of [0, 3599]) {
      const token = sealed('x', 'stream', (hour * 3600 + seconds) * 1000);
      expect(openWith(`stream v2 ${hour}`, token)).toBe('x');
      expect(() => openWith(`stream v2 ${hour + 1}`, token)).toThrow();
      expect(() => openWith(`download v2 ${hour}`, token)).toThrow();
    }
    expect(openWith(`stream v2 ${hour + 1}`, sealed('x', 'stream', (hour + 1) * HOUR))).toBe('x');
  });

  it('still open tokens of version 1, whose keys belonged to a day', () => {
    const token = 'AR6i1cPuaygAWSoaJs5o7awqV2D300RWDLC7ksM41er5IBYG7LRfivw5Kwx7RHq7bw';
    expect(openWith(`stream ${Math.floor(4_000_000_000 / 86_400)}`, token)).toBe('of version 1');
    expect(sealer.unseal('stream', token).content.toString()).toBe('of version 1');
    expect(refusal(token, 'download')).toBe('link_invalid');
  });

  it.each([0, 1, 3, 255])('do not open a token whose version was changed to %i', (version) => {
    const bytes = Buffer.from(sealed('x'), 'base64url');
    bytes.writeUInt8(version, 0);
    expect(refusal(bytes.toString('base64url'))).toBe('link_invalid');
  });

  it('are derived again when more have been used than are cached', () => {
    const early = sealed('early', 'stream', inAnHour());
    for (let hour = 0; hour < 600; hour += 1) sealed('filler', 'stream', Date.now() + hour * HOUR);
    expect(sealer.unseal('stream', early).content.toString()).toBe('early');
  });
});

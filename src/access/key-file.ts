import { createHash } from 'node:crypto';
import { z } from 'zod';
import { origin } from '../config-values.ts';
import { NetworkList } from '../network-list.ts';

/** Also a label of metrics, a word of the log and an argument of `npm run keys`. */
const NAME = /^[a-z\d][a-z\d._-]{0,31}$/i;

const HASH = 'the SHA-256 of the key in hexadecimal digits';

/** The wording completes "NAME.field must be …". */
const entry = z.strictObject(
  {
    sha256: z.string(HASH).regex(/^[\da-f]{64}$/, HASH),
    created: z.string('a time').optional(),
    /** Requests; absent for RATE_LIMIT_MAX, 0 for no limit. */
    per_minute: z.int('a whole number').min(0, 'a whole number').optional(),
    /** The first moment at which it is not accepted. A date begins at midnight in UTC. */
    expires: z
      .union(
        [z.iso.date(), z.iso.datetime({ offset: true })],
        'a date such as 2027-01-31, or a date with a time',
      )
      .optional(),
    /** Of the pages that may send it; absent for everybody. */
    origins: z.array(origin, 'a list of origins').min(1, 'a list of origins').optional(),
    /** Of the clients that may send it; absent for everybody. */
    networks: z
      .array(z.string().refine(isNetwork, 'an address or a network'), 'a list of addresses and networks')
      .min(1, 'a list of addresses and networks')
      .optional(),
  },
  'an object with sha256, and of created, per_minute, expires, origins and networks what is needed',
);

const file = z.record(z.string().regex(NAME), entry, 'an object with a name for each key');

/** The content of the file. */
export type KeyFile = Record<string, KeyEntry>;
export type KeyEntry = z.infer<typeof entry>;

/** @throws Error that says what is wrong, without what might be a key */
export function parseKeyFile(text: string): KeyFile {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // The parser's message quotes the file.
    throw new Error('it is not JSON');
  }
  const result = file.safeParse(content);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue?.code === 'invalid_key') {
    throw new Error('a name must be at most 32 letters, digits and "._-", and begin with a letter or digit');
  }
  throw new Error(`${issue?.path.join('.') || 'it'} must be ${issue?.message}`);
}

/** What the file has of a key. A fast hash will do: keys are random, so no list of likely ones exists. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

function isNetwork(value: string): boolean {
  return new NetworkList().add(value);
}

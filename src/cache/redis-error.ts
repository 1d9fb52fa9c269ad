import { ReplyError } from 'ioredis';

/** Error replies that an operator can do something about, by their first word. */
const REPLIES: Readonly<Record<string, string>> = {
  WRONGPASS: 'it refuses the user or the password in REDIS_URL',
  NOAUTH: 'it wants a password, and REDIS_URL has none',
  NOPERM: 'its ACL forbids our user the commands or keys that we need',
  OOM: 'it is full, and its maxmemory-policy lets nothing go',
  READONLY: 'it is a replica, which takes no writes: REDIS_URL has to name the primary',
  MISCONF: 'it cannot write to its disk, and takes no writes until it can',
  LOADING: 'it is still loading its data',
};

const CONNECTION: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at the address in REDIS_URL',
  ENOTFOUND: 'the host in REDIS_URL has no address',
  EAI_AGAIN: 'the host in REDIS_URL has no address for now',
  ETIMEDOUT: 'no connection in time',
};

/** Redis has answered, with an error. */
export function isReply(error: Error): boolean {
  return error instanceof ReplyError;
}

/** What is wrong with Redis, in words and with the code to look up. Names no address, no user, no password. */
export function describeRedisError(error: Error): string {
  if (isReply(error)) {
    const [code = ''] = /^[A-Z]+/.exec(error.message) ?? [];
    return explained(REPLIES[code] ?? 'it answers with an error', code);
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return explained(CONNECTION[code] ?? 'no connection', code);
}

function explained(words: string, code: string): string {
  return code === '' ? words : `${words} (${code})`;
}

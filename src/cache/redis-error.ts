import { ReplyError } from 'ioredis';

/** Error replies that an operator can act on, by their code. */
const REPLIES: Readonly<Record<string, string>> = {
  WRONGPASS: 'it rejects the user or the password in REDIS_URL',
  NOAUTH: 'it requires a password, and REDIS_URL has none',
  NOPERM: 'its ACL forbids commands or keys that the service needs',
  OOM: 'it is full, and its maxmemory-policy evicts nothing',
  READONLY: 'it is a read-only replica: REDIS_URL has to name the primary',
  MISCONF: 'it cannot write to its disk and rejects writes',
  LOADING: 'it is still loading its data',
  CLUSTERDOWN: 'the cluster does not serve all hash slots',
  MOVED: 'it is a cluster: REDIS_URL has to list its nodes, separated by commas',
};

const CONNECTION: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at the address in REDIS_URL',
  ENOTFOUND: 'the host in REDIS_URL has no address',
  EAI_AGAIN: 'the host in REDIS_URL has no address at the moment',
  ETIMEDOUT: 'no connection in time',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted: EXTRA_CA_CERTS has to name its CA',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted: EXTRA_CA_CERTS has to name its CA',
};

/** Whether Redis has replied, with an error. */
export function isReply(error: Error): boolean {
  return error instanceof ReplyError;
}

/** What is wrong with Redis, with the code to look up. Names no address, user or password. */
export function describeRedisError(error: Error): string {
  // ioredis wraps the errors of a cluster's nodes.
  if ('lastNodeError' in error && error.lastNodeError instanceof Error) {
    return describeRedisError(error.lastNodeError);
  }
  if (isReply(error)) {
    const [code = ''] = /^[A-Z]+/.exec(error.message) ?? [];
    return withCode(REPLIES[code] ?? 'it replies with an error', code);
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return withCode(CONNECTION[code] ?? 'no connection', code);
}

function withCode(words: string, code: string): string {
  return code === '' ? words : `${words} (${code})`;
}

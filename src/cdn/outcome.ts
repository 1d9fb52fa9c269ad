import { ServiceError } from '../errors.ts';
import { LinkError } from './source.ts';

/** Why a file was not to be had: its host's name, TLS, the connection, a 403, silence, or anything else. */
export type FileFault = 'name' | 'tls' | 'connection' | 'refused' | 'stalled' | 'other';

/** How opening a file ended, all of its links together. */
export interface FileOutcome {
  /** Id of the egress of its page. */
  egress: string;
  /** Id of the egress that was used last: another one where MEDIA_EGRESS says so. */
  via: string;
  /** Key of the post. */
  post: string;
  /** Null where it was served. */
  fault: FileFault | null;
}

/** Codes of names that have no address, or one that is not connected to. */
const NAME_CODES: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EFORBIDDENADDRESS']);
const TLS_CODE = /^(?:ERR_(?:TLS|SSL)_|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|EPROTO$)/;

/** What kept a file from being opened; null where it was not the CDN: the client left, or a new extraction failed. */
export function faultOf(error: unknown): FileFault | null {
  if (!(error instanceof ServiceError)) return null;
  if (error.code !== 'upstream_failed' && error.code !== 'timeout') return null;
  if (!(error.cause instanceof AggregateError)) return null;
  const failures = (error.cause.errors as unknown[]).filter((one) => one instanceof LinkError);
  const last = failures.filter(({ reason }) => reason !== 'expired' && reason !== 'forbidden').at(-1);
  if (error.code === 'timeout') return last ? faultOfLink(last) : 'stalled';
  return last ? faultOfLink(last) : null;
}

function faultOfLink({ reason, message, cause }: LinkError): FileFault {
  if (reason === 'stalled') return 'stalled';
  if (reason === 'status') return message.startsWith('status: 403') ? 'refused' : 'other';
  if (reason !== 'connection') return 'other';
  const code = String((cause as NodeJS.ErrnoException | undefined)?.code);
  if (NAME_CODES.has(code)) return 'name';
  return TLS_CODE.test(code) ? 'tls' : 'connection';
}

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/** A strong ETag of a file whose identity is these parts: the same on every instance and after every restart. */
export function strongEtag(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return quote(hash.digest('base64url'));
}

/** The strong ETag of a file's bytes; equals `strongEtag` of them. */
export async function fileEtag(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return quote(hash.digest('base64url'));
}

/** 160 bits of the digest are enough to tell files apart. */
function quote(digest: string): string {
  return `"${digest.slice(0, 27)}"`;
}

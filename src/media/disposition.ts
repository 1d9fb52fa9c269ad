import { create } from 'content-disposition';
import { asciiName } from './file-name.ts';

/**
 * Content-Disposition (RFC 6266) for a name from `FileNames`: always both `filename`, in ASCII, and `filename*`, which
 * the library writes only where they differ.
 */
export function contentDisposition(name: string, inline: boolean): string {
  const header = create(asciiName(name), { type: inline ? 'inline' : 'attachment' });
  return `${header}; filename*=UTF-8''${encodedFileName(name)}`;
}

/** Percent-encoded UTF-8 (RFC 8187), also the value of X-Filename. */
export function encodedFileName(name: string): string {
  return encodeURIComponent(name).replace(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

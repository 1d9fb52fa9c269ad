/** Bytes `start` to `end`, both inclusive. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Parses a Range header for a file of `size` bytes (RFC 9110 §14.1.2). The range-parser library accepts
 * `bytes=1-x-2`, calls `5-2` unsatisfiable instead of malformed and does not check the unit.
 * @returns the range, cut to the file; `unsatisfiable` (→ 416); or null where the header is to be ignored: absent,
 *   malformed, another unit, or several ranges (§14.2 allows to ignore any Range)
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | null {
  const match = /^[ \t]*bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? '');
  if (!match) return null;
  const [, from = '', to = ''] = match;
  if (from === '' && to === '') return null;
  if (from === '') {
    const suffix = Number(to);
    return suffix === 0 || size === 0
      ? 'unsatisfiable'
      : { start: Math.max(0, size - suffix), end: size - 1 };
  }
  if (to !== '' && Number(to) < Number(from)) return null;
  if (Number(from) >= size) return 'unsatisfiable';
  return { start: Number(from), end: to === '' ? size - 1 : Math.min(Number(to), size - 1) };
}

/** The Content-Range of a 206. */
export interface ContentRange extends ByteRange {
  size: number;
}

/** @returns null where the header is missing, malformed, of unknown size or contradictory */
export function parseContentRange(header: string | undefined): ContentRange | null {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/i.exec(header?.trim() ?? '');
  if (!match) return null;
  const [start, end, size] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return start <= end && end < size && Number.isSafeInteger(size) ? { start, end, size } : null;
}

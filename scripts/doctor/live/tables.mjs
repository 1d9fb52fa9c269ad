// @ts-check

/**
 * @typedef {import('../../../src/extraction/index.ts').SourceCheck} Row
 * @typedef {import('./files.mjs').FileRow} FileRow
 */

const TELLING_HEADERS = ['x-tt-system-error', 'tt_orcas_res', 'retry-after'];

/** @param {readonly Row[]} rows */
export function sourceTable(rows) {
  const head = ['egress', 'source', 'as', 'HTTP', 'bytes', 'headers', 'meaning', 'found', 'words'];
  return table(
    head,
    rows.map(({ egress, source, target, answer, kind, detail, post }) => [
      egress,
      source,
      target,
      answer ? String(answer.status) : '',
      answer ? String(answer.length) : '',
      TELLING_HEADERS.flatMap((name) =>
        answer?.headers[name] ? `${name}: ${answer.headers[name]}` : [],
      ).join(', '),
      `${kind} ${detail}`.trim(),
      post ? foundIn(post) : '',
      (answer?.words ?? []).join(', '),
    ]),
  );
}

/** @param {readonly FileRow[]} rows */
export function fileTable(rows) {
  return table(
    ['file', 'HTTP', 'type', 'bytes', 'ranges', 'error'],
    rows.map(({ name, status, type, size, ranges, error }) => [
      name,
      String(status),
      error === '' ? type : '',
      size === null ? '' : String(size),
      error === '' ? (ranges ? 'yes' : 'no') : '',
      error,
    ]),
  );
}

/**
 * The best rendition of each codec, or the number of photos.
 * @param {import('../../../src/posts/post.ts').Post} post
 */
function foundIn({ renditions, photos }) {
  if (photos.length > 0) return `${photos.length} ${photos.length === 1 ? 'photo' : 'photos'}`;
  const clean = renditions.filter(({ watermark }) => !watermark);
  const best = ['h264', 'h265'].flatMap((codec) => clean.find((one) => one.codec === codec)?.id ?? []);
  if (best.length > 0) return best.join(', ');
  return renditions.length > 0 ? 'a file that may have a watermark' : 'no video';
}

/**
 * @param {string[]} head
 * @param {string[][]} lines
 */
function table(head, lines) {
  const all = [head, ...lines];
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  const print = (/** @type {string[]} */ line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return `${all.map((line) => `  ${print(line)}`).join('\n')}\n`;
}

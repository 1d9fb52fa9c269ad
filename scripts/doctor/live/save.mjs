// @ts-check
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, inflateSync } from 'node:zlib';
import { blotOut } from './blot.mjs';

/** @typedef {import('../../../src/extraction/index.ts').SourceCheck} Row */

/** Values that cannot name a client; of other headers only the names are kept. */
const KEPT_HEADERS = new Set(
  (
    'cache-control content-encoding content-length content-type location retry-after server tt_orcas_res vary ' +
    'x-ccdn-forbid-code x-tt-system-error'
  ).split(' '),
);

/**
 * Writes the responses and a manifest, without what belongs to a client.
 * @param {string} folder
 * @param {readonly Row[]} rows
 * @param {Iterable<string>} secrets
 * @param {Record<string, string | null>} versions
 */
export function saveResponses(folder, rows, secrets, versions) {
  mkdirSync(folder, { recursive: true });
  const responses = rows.map((row, index) => {
    const text = row.raw?.body ? bodyOf(row.raw.body) : null;
    const name = text === null ? null : fileName(row, index, text);
    if (name !== null && text !== null) writeFileSync(join(folder, name), blotOut(text, secrets));
    return { file: name, ...describe(row) };
  });
  const manifest = { date: new Date().toISOString().slice(0, 10), versions, responses };
  writeFileSync(join(folder, 'manifest.json'), `${blotOut(JSON.stringify(manifest, null, 2), secrets)}\n`);
  return responses.filter(({ file }) => file !== null).length;
}

/** @param {Row} row */
function describe({ ref, egress, source, target, answer, raw, kind, detail }) {
  const headers = Object.entries(raw?.headers ?? {});
  return {
    post: `${ref.platform}:${ref.id}`,
    egress,
    source,
    target,
    meaning: `${kind} ${detail}`.trim(),
    status: answer?.status ?? null,
    url: answer?.url ?? null,
    location: answer?.location || null,
    bytes: answer?.length ?? null,
    requests: answer?.requests ?? null,
    words: answer?.words ?? [],
    headers: Object.fromEntries(headers.filter(([name]) => KEPT_HEADERS.has(name))),
    other_headers: headers.map(([name]) => name).filter((name) => !KEPT_HEADERS.has(name)),
  };
}

/** @param {string} packed */
function bodyOf(packed) {
  const body = inflateSync(Buffer.from(packed, 'base64'));
  // The player API was seen to send gzip without saying so.
  return (body[0] === 0x1f && body[1] === 0x8b ? gunzipSync(body) : body).toString('utf8');
}

/**
 * @param {Row} row
 * @param {number} index
 * @param {string} text
 */
function fileName({ ref, egress, source, target }, index, text) {
  const type = /^\s*[[{]/.test(text) ? 'json' : 'html';
  const number = String(index + 1).padStart(3, '0');
  const parts = [number, ref.platform, ref.id, source, target, egress].filter(Boolean);
  return `${parts.join('.').replace(/[^\w.-]+/g, '-')}.${type}`;
}

// @ts-check
import { pino } from 'pino';

/**
 * @typedef {import('../../../src/posts/post.ts').Post} Post
 * @typedef {object} FileRow
 * @property {string} name
 * @property {number} status of the service's answer to a range
 * @property {string} type
 * @property {number | null} size
 * @property {boolean} ranges
 * @property {string} error
 *
 * @typedef {object} FileOptions
 * @property {import('../../../src/config.ts').Config} config
 * @property {string} root
 * @property {() => Promise<void>} pace
 */

/** Of a photo post; the others are alike. */
const MAX_PHOTOS = 3;

/**
 * Opens the files of a post through the service's own routes: renditions or photos, MP3, captions, pictures, slideshow.
 * @param {Post} post
 * @param {FileOptions} options
 * @returns {Promise<FileRow[]>}
 */
export async function openFiles(post, { config, root, pace }) {
  /** @type {typeof import('../../../src/app.ts')} */
  const { buildApp } = await import(new URL('../../../dist/app.js', import.meta.url).href);
  const app = await buildApp(config, root, pino({ level: 'silent' }), { extractor: extractorOf(post) });
  try {
    const payload = { url: post.url, images: true };
    const response = await app.server.inject({ method: 'POST', url: '/tiktok', payload });
    const rows = [];
    for (const [name, link] of linksOf(response.json())) {
      await pace();
      rows.push(await openFile(app, name, link));
    }
    return rows;
  } finally {
    await app.close();
  }
}

/**
 * Knows one post.
 * @param {Post} post
 * @returns {import('../../../src/app.ts').PostExtractor}
 */
function extractorOf(post) {
  const nothing = async () => {};
  const idle = { workers: { max: 0, active: 0, idle: 0, queued: 0 }, queueLimit: 0, threads: 0, sources: [] };
  return {
    extract: async () => post,
    probeFallbacks: nothing,
    switchTo: nothing,
    onRejection: () => {},
    close: nothing,
    status: { ...idle, host: null, hostRestarts: 0, childRestarts: 0, engine: null, trial: null },
  };
}

/**
 * @param {import('../../../src/posts/response.ts').PostResponse} body
 * @returns {[name: string, link: string][]}
 */
function linksOf(body) {
  const links =
    body.status === 'tunnel' ? body.formats.map(({ id, link }) => [id, link]) : photoLinksOf(body);
  const common = [
    ['mp3', body.download_link?.mp3],
    ...(body.subtitles ?? []).map(({ language, source, link }) => [`captions ${language} ${source}`, link]),
    ['cover', body.images?.cover],
    ['avatar', body.images?.avatar],
  ];
  const named = [...links, ...common].filter(([, link]) => typeof link === 'string' && link !== '');
  return /** @type {[string, string][]} */ (named);
}

/** @param {Extract<import('../../../src/posts/response.ts').PostResponse, { status: 'picker' }>} body */
function photoLinksOf({ photos, download_slideshow_link }) {
  return [
    ...photos.slice(0, MAX_PHOTOS).flatMap(({ link, live }, index) => [
      [`photo ${index + 1} of ${photos.length}`, link],
      [`clip ${index + 1}`, live?.link],
    ]),
    ['slideshow', download_slideshow_link],
  ];
}

/**
 * @param {import('../../../src/app.ts').App} app
 * @param {string} name
 * @param {string} link
 * @returns {Promise<FileRow>}
 */
async function openFile({ server }, name, link) {
  const { pathname, search } = new URL(link);
  const response = await server.inject({ url: pathname + search, headers: { range: 'bytes=0-1023' } });
  const { statusCode: status, headers } = response;
  const type = String(headers['content-type'] ?? '').split(';', 1)[0] ?? '';
  const ranges = status === 206;
  const total = ranges ? /\/(\d+)$/.exec(String(headers['content-range']))?.[1] : headers['content-length'];
  const error = status < 400 ? '' : String(response.json().code);
  return { name, status, type, size: status < 400 && total ? Number(total) : null, ranges, error };
}

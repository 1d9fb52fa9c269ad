/** Posts as TikTok and Douyin sent them; the captures lie beside the repository, not in it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { asObject, asObjects, type Raw } from '../../src/posts/raw.ts';

const BESIDE_REPOSITORY = fileURLToPath(new URL('../../../shared/fixtures/', import.meta.url));
const FIXTURES = process.env.CAPTURES_DIR ? `${process.env.CAPTURES_DIR}/` : BESIDE_REPOSITORY;

export const absent = !existsSync(FIXTURES);
if (absent) console.log(`skipped: no captured posts in ${FIXTURES} (CAPTURES_DIR)`);

/** Empty where the captures are absent. */
function files(folder: string, matches: (name: string) => boolean): string[] {
  if (absent) return [];
  return readdirSync(FIXTURES + folder)
    .filter(matches)
    .map((name) => readFileSync(`${FIXTURES}${folder}/${name}`, 'utf8'));
}

/** The JSON files of a folder of captures. */
function json(folder: string, matches = (name: string) => name.endsWith('.json')): unknown[] {
  return files(folder, matches).map((text): unknown => JSON.parse(text));
}

const itemStruct = (detail: unknown) => asObject(asObject(asObject(detail).itemInfo).itemStruct);

/** Desktop itemStructs of videos: whole pages, and answers of the web API in the same shape. */
export const pageVideos: Raw[] = [
  ...json('web-video').map(itemStruct),
  ...json('web-items').flatMap(asObjects),
];
export const mobilePhotos: Raw[] = json('photo-reflow').map(itemStruct);
export const mobileVideos: Raw[] = json('sources/reflow').map(itemStruct);
/** Awemes of Douyin's web API. */
export const awemes: Raw[] = json('douyin').flatMap(asObjects);

/** `webapp.video-detail` of pages without a post, by their statusMsg. */
export const refusedPages: Raw[] = json('web-status').map(asObject);

/** `videoData` of the embed page. */
export const embeds: Raw[] = json('sources/embed-v2').map((state) => {
  const pages = asObject(asObject(asObject(state).source).data);
  return asObject(asObject(Object.values(pages)[0]).videoData);
});

/** Awemes of Douyin's share page. */
export const shared: Raw[] = files('sources/douyin-share', (name) => /^\d+\..*\.html$/.test(name)).map(
  (html) => {
    const script = /window\._ROUTER_DATA\s*=\s*(\{.*?\})\s*<\/script>/s.exec(html)?.[1] ?? '{}';
    const pages = Object.values(asObject(asObject(JSON.parse(script)).loaderData)).map(asObject);
    const info = asObject(pages.find((page) => 'videoInfoRes' in page)?.videoInfoRes);
    return asObject(asObjects(info.item_list)[0]);
  },
);

/** Answers made to the shapes that readers of these APIs agree on; no captures. */
export const made = {
  playerItems: json('sources/player-api', (name) => /^made\.(video|photo)\./.test(name)).map((answer) =>
    asObject(asObjects(asObject(answer).items)[0]),
  ),
  slides: json('sources/douyin-slides', (name) => name === 'made.live-photo.json').map((answer) =>
    asObject(asObjects(asObject(answer).aweme_details)[0]),
  ),
};

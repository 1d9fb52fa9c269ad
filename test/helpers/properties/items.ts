import fc from 'fast-check';
import type { Asset } from '../../../src/posts/asset.ts';
import type { ReadContext } from '../../../src/posts/complete-post.ts';
import { postFromAweme } from '../../../src/posts/from-aweme.ts';
import { postFromEmbed } from '../../../src/posts/from-embed.ts';
import { postFromPage } from '../../../src/posts/from-page.ts';
import { postFromPlayer } from '../../../src/posts/from-player.ts';
import { MAX_LIST, type Raw } from '../../../src/posts/raw.ts';
import { toPostResponse } from '../../../src/posts/response.ts';
import { convertSubtitle } from '../../../src/subtitles/index.ts';
import { photoPage, photoPlayer, videoEmbed, videoPage, videoPlayer } from '../../posts/shapes.ts';
import { must, type Property, sync } from './property.ts';

const READERS: readonly [
  name: string,
  (raw: Raw, context: ReadContext) => ReturnType<typeof postFromPage>,
][] = [
  ['page', postFromPage],
  ['player', postFromPlayer],
  ['embed', postFromEmbed],
  ['aweme', postFromAweme],
];
const ITEMS: readonly Raw[] = [videoPage, photoPage, videoPlayer, photoPlayer, videoEmbed];

const context: ReadContext = {
  ref: { platform: 'tiktok', id: '7123456789012345600', user: 'cat' },
  egress: 'direct',
  source: 'page',
  cookies: { tt_chain_token: 'x' },
};

/** What JSON can hold where a reader expects something else; Python's json also writes NaN and 1e999. */
const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -1,
    1e300,
    0.5,
    '',
    'NaN',
    '1e999',
    '9'.repeat(400),
    '../../etc/passwd',
    'https://127.0.0.1/x',
    'javascript:alert(1)',
    '\u202Egpj.exe',
    '\r\nX-Evil: 1',
    [],
    {},
    [[[]]],
    { __proto__: null, toString: 1 },
    Array.from({ length: 5000 }, () => ({
      width: 1,
      height: 1,
      urlList: ['https://v16m.tiktokcdn-us.com/x'],
    })),
  ),
  fc.json().map((text) => JSON.parse(text) as unknown),
);

/** An item with some of its values replaced, at any depth. */
function mutated(item: unknown, choices: readonly [place: number, value: unknown][]): unknown {
  let place = 0;
  const copy = (value: unknown): unknown => {
    const here = place;
    place += 1;
    const choice = choices.find(([at]) => at === here);
    if (choice) return choice[1];
    if (Array.isArray(value)) return value.map(copy);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copy(inner)]));
  };
  return copy(item);
}

export const ITEM_PROPERTIES: readonly Property[] = [
  sync(
    'items: whatever stands in an item, its post is bounded and its JSON has only numbers that JSON knows',
    0.5,
    fc.property(
      fc.constantFrom(...READERS),
      fc.constantFrom(...ITEMS),
      fc.array(fc.tuple(fc.nat(120), odd), { maxLength: 8 }),
      ([name, read], item, choices) => {
        const raw = mutated(item, choices);
        const post = read((typeof raw === 'object' && raw !== null ? raw : {}) as Raw, context);
        const lists = [post.renditions, post.photos, post.subtitles];
        must(
          lists.every(({ length }) => length <= MAX_LIST),
          `${name} has a list without bound`,
        );
        const urls = lists.flat().flatMap((file) => file.urls);
        must(
          urls.every((url) => /^https?:\/\//.test(url)),
          `${name} has an address such as ${urls[0]}`,
        );
        const body = toPostResponse(post, {
          linkTo: ({ kind }: Asset) => `https://service.test/${kind}`,
          expiresAt: 0,
          preferCodec: 'best',
          cached: false,
          images: false,
          offers: () => true,
        });
        assertFinite(body, name);
      },
    ),
  ),
  sync(
    'captions: any text becomes WebVTT and SubRip, or nothing',
    1,
    fc.property(
      fc.constantFrom('vtt', 'srt', 'json'),
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.json(),
        fc
          .array(fc.record({ start_time: odd, end_time: odd, text: odd }), { maxLength: 5 })
          .map((utterances) => JSON.stringify({ utterances })),
      ),
      (extension, text) => {
        const vtt = convertSubtitle(text, extension, 'vtt');
        must(vtt === null || extension === 'vtt' || vtt.startsWith('WEBVTT\n\n'), String(vtt));
        const srt = convertSubtitle(text, extension, 'srt');
        must(srt === null || srt === '' || /^1\n\d\d:\d\d:\d\d,\d{3} --> /.test(srt), String(srt));
      },
    ),
  ),
];

/** @throws Error where a number would become null in JSON */
function assertFinite(value: unknown, name: string): void {
  if (typeof value === 'number') must(Number.isFinite(value), `${name} gives ${value}`);
  if (typeof value !== 'object' || value === null) return;
  for (const inner of Object.values(value)) assertFinite(inner, name);
}

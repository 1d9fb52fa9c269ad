import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServiceError } from '../../src/errors.ts';
import { canonicalUrl, findPostLink, type PostLink, parsePostUrl, postKey } from '../../src/posts/url.ts';

const ID = '7123456789012345600';

const tiktok = (user?: string): PostLink => ({
  kind: 'post',
  ref: { platform: 'tiktok', id: ID, ...(user && { user }) },
});
const douyin: PostLink = { kind: 'post', ref: { platform: 'douyin', id: ID } };
const short = (platform: 'tiktok' | 'douyin', url: string): PostLink => ({ kind: 'short', platform, url });

/** The code of the refusal; null when the text was accepted. Any other exception passes through. */
function refusalOf(text: string): string | null {
  try {
    findPostLink(text);
    return null;
  } catch (error) {
    if (error instanceof ServiceError) return error.code;
    throw error;
  }
}

/** Every form that is accepted. */
const ACCEPTED: readonly (readonly [string, PostLink])[] = [
  ...[
    'https://www.tiktok.com',
    'https://m.tiktok.com',
    'https://tiktok.com',
    'http://www.tiktok.com',
  ].flatMap((base): (readonly [string, PostLink])[] => [
    [`${base}/@some.user_1/video/${ID}`, tiktok('some.user_1')],
    [`${base}/@some.user_1/photo/${ID}`, tiktok('some.user_1')],
    [`${base}/@/video/${ID}`, tiktok()],
    [`${base}/video/${ID}`, tiktok()],
    [`${base}/v/${ID}.html`, tiktok()],
    [`${base}/embed/${ID}`, tiktok()],
    [`${base}/embed/v2/${ID}`, tiktok()],
    [`${base}/share/video/${ID}`, tiktok()],
    [`${base}/player/v1/${ID}`, tiktok()],
    [`${base}/t/ZT2k1xxwK`, short('tiktok', 'https://www.tiktok.com/t/ZT2k1xxwK/')],
  ]),
  ['https://vm.tiktok.com/ZMRJq1M2c', short('tiktok', 'https://vm.tiktok.com/ZMRJq1M2c/')],
  ['http://vt.tiktok.com/ZS-a_1', short('tiktok', 'https://vt.tiktok.com/ZS-a_1/')],
  ['https://lite.tiktok.com/t/ZS123', short('tiktok', 'https://lite.tiktok.com/t/ZS123/')],
  [`https://t.tiktok.com/i18n/share/video/${ID}`, tiktok()],
  [`https://www.tiktokv.com/share/video/${ID}`, tiktok()],
  [`https://douyin.com/video/${ID}`, douyin],
  [`https://www.douyin.com/video/${ID}`, douyin],
  [`https://www.douyin.com/note/${ID}`, douyin],
  ['https://v.douyin.com/JUvGVBP', short('douyin', 'https://v.douyin.com/JUvGVBP/')],
  [`https://www.douyin.com/slides/${ID}`, douyin],
  [`https://jingxuan.douyin.com/m/video/${ID}`, douyin],
  ...['https://iesdouyin.com', 'https://www.iesdouyin.com', 'https://m.douyin.com'].flatMap((base) =>
    ['video', 'note', 'slides'].map((kind) => [`${base}/share/${kind}/${ID}`, douyin] as const),
  ),
];

describe('a post link', () => {
  it.each(ACCEPTED)('is read from %s', (url, link) => {
    expect(parsePostUrl(url)).toMatchObject(link);
  });

  it.each(ACCEPTED)('is read from %s with a slash, a query and a fragment behind it', (url, link) => {
    expect(findPostLink(`${url}/?_r=1&_t=8pMH&u=https%3A%2F%2Fevil.com#top`)).toMatchObject(link);
  });

  it.each([
    ['an upper-case host', `HTTPS://WWW.TikTok.COM/@user/video/${ID}`],
    ["the scheme's own port", `https://www.tiktok.com:443/@user/video/${ID}`],
    ['full-width letters, as the URL standard maps them', `https://ｗｗｗ.tiktok.com/@user/video/${ID}`],
    ['backslashes, as the URL standard reads them', `https://www.tiktok.com\\@user\\video\\${ID}`],
    ['an escaped @', `https://www.tiktok.com/%40user/video/${ID}`],
    ['dot segments', `https://www.tiktok.com/x/../@user/video/${ID}`],
  ])('is read with %s', (_, url) => {
    expect(parsePostUrl(url)).toMatchObject(tiktok('user'));
  });
});

/** Pages of Douyin that show a post in a window. */
const MODAL: readonly string[] = [
  `https://www.douyin.com/?modal_id=${ID}`,
  `https://www.douyin.com/jingxuan?modal_id=${ID}`,
  `https://www.douyin.com/user/MS4wLjABAAAA_x-1?from_tab_name=main&modal_id=${ID}`,
  `https://www.douyin.com/search/%E7%8C%AB?aid=1&modal_id=${ID}&type=general`,
  `https://douyin.com/discover?modal_id=${ID}#x`,
  `https://m.douyin.com/?modal_id=${ID}`,
];

describe('a page of Douyin with a modal_id', () => {
  it.each(MODAL)('is read as that post: %s', (url) => {
    expect(findPostLink(url)).toMatchObject(douyin);
    expect(findPostLink(url.replace('https://', ''))).toMatchObject(douyin);
  });

  it.each([
    `https://www.tiktok.com/?modal_id=${ID}`,
    `https://v.douyin.com/?modal_id=${ID}`,
    'https://www.douyin.com/?modal_id=x',
    `https://www.douyin.com/?xmodal_id=${ID}`,
    `https://www.douyin.com/#modal_id=${ID}`,
  ])('is not found in %s', (url) => {
    expect(refusalOf(url)).toBe('unsupported_url');
  });
});

describe('a link without a scheme', () => {
  it.each(ACCEPTED.map(([url, link]) => [url.replace(/^https?:\/\//, ''), link] as const))(
    'is read: %s',
    (url, link) => {
      expect(findPostLink(url)).toMatchObject(link);
      expect(findPostLink(`Look:「${url}」!`)).toMatchObject(link);
    },
  );

  it.each([
    ["in a stranger's path", `evil.com/www.tiktok.com/@user/video/${ID}`],
    ["in a stranger's query", `evil.com?u=www.tiktok.com/@user/video/${ID}`],
    ["in a stranger's fragment", `evil.com/#www.tiktok.com/@user/video/${ID}`],
    ['behind a user name', `user@www.tiktok.com/@user/video/${ID}`],
    ['behind another scheme', `ftp://www.tiktok.com/@user/video/${ID}`],
    ['behind a backslash', `evil.com\\www.tiktok.com/@user/video/${ID}`],
    ["as the beginning of a stranger's host", `www.tiktok.com.evil.com/@user/video/${ID}`],
    ["as the end of a stranger's host", `evil.www.tiktok.com/@user/video/${ID}`],
    ["as the end of a stranger's name", `eviltiktok.com/@user/video/${ID}`],
    ["as the end of a stranger's name with a hyphen", `evil-tiktok.com/@user/video/${ID}`],
    ['with a port', `www.tiktok.com:8443/@user/video/${ID}`],
  ])('is refused %s', (_, text) => {
    expect(refusalOf(text)).toBe('unsupported_url');
  });
});

describe('the message about a link that is no post', () => {
  const messageOf = (text: string) => {
    try {
      return findPostLink(text);
    } catch (error) {
      return (error as ServiceError).message;
    }
  };

  it.each([
    ['a profile', 'https://www.tiktok.com/@user'],
    ['a profile', 'www.tiktok.com/@user?lang=en'],
    ['a profile', 'https://www.douyin.com/user/MS4wLjABAAAA'],
    ['a live stream', 'https://www.tiktok.com/@user/live'],
    ['a live stream', 'https://live.douyin.com/123456'],
    ['a shop page', 'https://shop.tiktok.com/view/product/123'],
    ['a shop page', 'https://www.tiktok.com/view/product/1729384756'],
    ['a sound', 'https://www.tiktok.com/music/original-sound-7123456789012345600'],
    ['a sound', 'https://www.douyin.com/music/7123456789012345600'],
    ['a list of posts', 'https://www.tiktok.com/tag/cats'],
    ['a list of posts', 'https://www.tiktok.com/@user/playlist/cats-7123456789012345600'],
    ['a profile', 'Look at https://example.com and https://www.tiktok.com/@user, please'],
  ])('says that it is %s: %s', (what, text) => {
    expect(messageOf(text)).toBe(
      `This is a link to ${what}, not to a post. Paste the link of a single video or photo post.`,
    );
  });

  it.each([
    'https://example.com/@user',
    'hello',
    'https://www.tiktok.com/about',
    'https://evil.com/?u=tiktok.com/@user',
  ])('says no more than that where it is not known: %s', (text) => {
    expect(messageOf(text)).toBe('This is not a link to a TikTok or Douyin post.');
  });
});

const REFUSED: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['words', 'hello there'],
  ["a stranger's host that begins like TikTok's", `https://www.tiktok.com.evil.com/@user/video/${ID}`],
  ["a stranger's host that ends like TikTok's", `https://eviltiktok.com/@user/video/${ID}`],
  ["a stranger's host with a hyphen", `https://www-tiktok.com/@user/video/${ID}`],
  ['an unknown subdomain', `https://api.tiktok.com/@user/video/${ID}`],
  ["a link inside a stranger's query", `https://evil.com/?https://www.tiktok.com/@user/video/${ID}`],
  ["a link inside a stranger's parameter", `https://evil.com/?u=https://www.tiktok.com/@user/video/${ID}`],
  ["a link inside a stranger's path", `https://evil.com/https://www.tiktok.com/@user/video/${ID}`],
  ["a link inside a stranger's fragment", `https://evil.com/#https://www.tiktok.com/@user/video/${ID}`],
  ['TikTok as the user of a stranger', `https://www.tiktok.com@evil.com/@user/video/${ID}`],
  ['TikTok as the user and path of a stranger', `https://www.tiktok.com:x@evil.com/video/${ID}`],
  ['a user name', `https://user@www.tiktok.com/@user/video/${ID}`],
  ['a password', `https://user:pw@www.tiktok.com/@user/video/${ID}`],
  ['a port', `https://www.tiktok.com:8443/@user/video/${ID}`],
  ["the other scheme's port", `http://www.tiktok.com:443/@user/video/${ID}`],
  ['a stranger before a backslash', `https://evil.com\\@www.tiktok.com/video/${ID}`],
  ['a trailing dot at the host', `https://www.tiktok.com./@user/video/${ID}`],
  ['a look-alike letter', `https://www.tıktok.com/@user/video/${ID}`],
  ['a look-alike letter, spelt out', `https://www.xn--tktok-q4a.com/@user/video/${ID}`],
  ['a name of Object.prototype as host', `https://constructor/video/${ID}`],
  ['another scheme', `ftp://www.tiktok.com/@user/video/${ID}`],
  ['a script', `javascript:location='https:'+'//www.tiktok.com/video/${ID}'`],
  ['a profile', 'https://www.tiktok.com/@user'],
  ['a live stream', 'https://www.tiktok.com/@user/live'],
  ['a search', 'https://www.tiktok.com/search?q=cats'],
  ['an id with letters', 'https://www.tiktok.com/@user/video/7123abc'],
  ['an id beyond all reason', `https://www.tiktok.com/@user/video/${'7'.repeat(26)}`],
  ['an id in the query', `https://www.tiktok.com/?id=/video/${ID}`],
  ['more path behind the id', `https://www.tiktok.com/@user/video/${ID}/comments`],
  ['an option instead of a code', 'https://vm.tiktok.com/ --exec=x'],
  ['a short host without code', 'https://vm.tiktok.com/'],
  ["a Douyin path on TikTok's host", `https://www.tiktok.com/note/${ID}`],
  ["a TikTok path on Douyin's host", `https://www.douyin.com/@user/video/${ID}`],
];

describe('what is no post link is unsupported_url:', () => {
  it.each(REFUSED)('%s', (_, text) => {
    expect(refusalOf(text)).toBe('unsupported_url');
  });

  it.each(REFUSED)('%s, for the parser of one link', (_, text) => {
    expect(parsePostUrl(text)).toBeNull();
  });
});

describe('in a text', () => {
  const code = short('douyin', 'https://v.douyin.com/iAbC_12-x/');

  it.each([
    [
      'Douyin, spaces around',
      '7.43 复制打开抖音，看看【某人的作品】今天 # 猫 https://v.douyin.com/iAbC_12-x/ aBc:/ 01/02 :6pm',
    ],
    [
      'Douyin, Chinese punctuation glued on',
      '看看【作品】。https://v.douyin.com/iAbC_12-x/，复制此链接，打开抖音',
    ],
    ['Douyin, words glued on', '看看https://v.douyin.com/iAbC_12-x/复制此链接'],
    ['Douyin, no slash before the words', '快看：https://v.douyin.com/iAbC_12-x复制此链接！'],
    ['Douyin, full-width brackets', '（https://v.douyin.com/iAbC_12-x）'],
    ['an English sentence', 'Look at this: https://v.douyin.com/iAbC_12-x.'],
    ['brackets', 'cats (https://v.douyin.com/iAbC_12-x/)!'],
    ['Markdown', '[cats](https://v.douyin.com/iAbC_12-x/).'],
    ['quotes', `"https://v.douyin.com/iAbC_12-x" and 'more'`],
    ['angle brackets', '<https://v.douyin.com/iAbC_12-x/>'],
    ['line breaks', 'cats\r\nhttps://v.douyin.com/iAbC_12-x/\r\nmore'],
    ['a zero-width space', '\u200bhttps://v.douyin.com/iAbC_12-x/\u200b'],
    ['an ellipsis', 'https://v.douyin.com/iAbC_12-x...'],
    [
      "other people's links before it",
      `https://example.com/ http://[ https://www.tiktok.com/@user https://v.douyin.com/iAbC_12-x/`,
    ],
  ])('of this kind the link is found: %s', (_, text) => {
    expect(findPostLink(text)).toMatchObject(code);
  });

  it.each([
    `https://www.tiktok.com/@user/video/${ID}复制此链接`,
    `https://www.tiktok.com/@user/video/${ID}，打开`,
    `https://www.tiktok.com/@user/video/${ID}】`,
    `https://www.tiktok.com/@user/video/${ID}Copy this link`,
    `https://www.tiktok.com/@user/video/${ID}https://www.tiktok.com/@user`,
    `www.tiktok.com/@user/photo/${ID}_and more`,
  ])('text glued behind an id ends it: %s', (text) => {
    expect(findPostLink(text)).toMatchObject(tiktok('user'));
  });

  it('text glued behind a modal_id ends it', () => {
    expect(findPostLink(`https://www.douyin.com/jingxuan?modal_id=${ID}复制`)).toMatchObject(douyin);
    expect(findPostLink(`https://www.douyin.com/jingxuan?modal_id=${ID}Copy`)).toMatchObject(douyin);
  });

  it('the post is found among several links, at any place', () => {
    const text = `抖音 https://www.douyin.com/user/x https://v.douyin.com/iAbC_12-x/ https://www.douyin.com/video/${ID}`;
    expect(findPostLink(text)).toMatchObject(code);
  });

  it('punctuation behind an id is not taken for a part of it', () => {
    expect(findPostLink(`(see https://www.tiktok.com/@user/video/${ID}),`)).toMatchObject(tiktok('user'));
  });

  it('the first of several post links counts', () => {
    expect(findPostLink(`https://www.tiktok.com/@user/video/${ID} https://vm.tiktok.com/ZZ`)).toMatchObject(
      tiktok('user'),
    );
  });

  it('is found among any words', () => {
    const words = fc.string({ unit: 'grapheme', maxLength: 60 });
    fc.assert(
      fc.property(fc.constantFrom(...ACCEPTED), words, words, ([url, link], before, behind) => {
        fc.pre(!before.includes('://'));
        expect(findPostLink(`${before} ${url} ${behind}`)).toMatchObject(link);
      }),
    );
  });
});

describe('foreign text', () => {
  const nasty = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc
      .array(
        fc.constantFrom(
          'https://',
          'http:',
          '//',
          '/',
          '\\',
          '@',
          ':',
          '?',
          '#',
          '.',
          '%',
          '[',
          ']',
          '%00',
          '%2e',
          '\0',
          ' ',
          'www.tiktok.com',
          'vm.tiktok.com',
          'v.douyin.com',
          'www.douyin.com',
          'lite.tiktok.com',
          'modal_id=',
          'live',
          '=',
          'evil.com',
          'video',
          'photo',
          ID,
          '\ud800',
          'ı',
          '。',
        ),
        { maxLength: 14 },
      )
      .map((parts) => parts.join('')),
  );

  it('is read or rejected as unsupported_url, without another error', () => {
    fc.assert(
      fc.property(nasty, (text) => [null, 'unsupported_url'].includes(refusalOf(text))),
      { numRuns: 3000 },
    );
  });

  it('never makes the parser of one link throw', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        parsePostUrl(text);
      }),
      { numRuns: 3000 },
    );
  });

  it('never gives a link to a host other than TikTok’s and Douyin’s', () => {
    const own =
      /^https:\/\/(www|vm|vt|lite)\.tiktok\.com\/[\w@./-]+$|^https:\/\/(www|v)\.douyin\.com\/[\w/-]+$/;
    const read = fc
      .tuple(fc.constantFrom(...ACCEPTED), nasty, fc.boolean())
      .map(([[url], text, inside]) => parsePostUrl(inside ? url.replace('/@', `/@${text}`) : url + text))
      .filter((link) => link !== null);
    fc.assert(
      fc.property(read, (link) => own.test(link.kind === 'post' ? canonicalUrl(link.ref) : link.url)),
      { numRuns: 300 },
    );
  });
});

describe('the canonical address', () => {
  it.each<[string, string]>([
    [canonicalUrl({ platform: 'tiktok', id: ID, user: 'a.b' }), `https://www.tiktok.com/@a.b/video/${ID}`],
    [
      canonicalUrl({ platform: 'tiktok', id: ID, user: 'a' }, 'photo'),
      `https://www.tiktok.com/@a/photo/${ID}`,
    ],
    [canonicalUrl({ platform: 'tiktok', id: ID }), `https://www.tiktok.com/@_/video/${ID}`],
    [canonicalUrl({ platform: 'douyin', id: ID }), `https://www.douyin.com/video/${ID}`],
    [canonicalUrl({ platform: 'douyin', id: ID }, 'photo'), `https://www.douyin.com/note/${ID}`],
  ])('is %s', (made, expected) => {
    expect(made).toBe(expected);
  });

  it.each(['tiktok', 'douyin'] as const)('of a %s post leads back to the post', (platform) => {
    const link = parsePostUrl(canonicalUrl({ platform, id: ID }));
    expect(link?.kind === 'post' && postKey(link.ref)).toBe(`${platform}:${ID}`);
  });
});

describe('the key of a post', () => {
  it('is the same with and without the name', () => {
    expect(postKey({ platform: 'tiktok', id: ID, user: 'a' })).toBe(postKey({ platform: 'tiktok', id: ID }));
  });

  it('tells the platforms apart', () => {
    expect(postKey({ platform: 'tiktok', id: ID })).not.toBe(postKey({ platform: 'douyin', id: ID }));
  });
});

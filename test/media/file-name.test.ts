import { parse } from 'content-disposition';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { contentDisposition, encodedFileName, FileNames } from '../../src/media/index.ts';

const ID = '7123456789012345600';
const named = (FILENAME_TEMPLATE?: string) =>
  new FileNames(loadConfig(FILENAME_TEMPLATE === undefined ? {} : { FILENAME_TEMPLATE }).files.nameTemplate);
const POST = { user: 'user', id: ID, title: '', createdAt: null, extension: 'mp4' };

/** What no name may be or hold, on whatever file system. */
function assertSafe(name: string): void {
  const [base = ''] = name.split('.', 1);
  const stem = name.slice(0, name.lastIndexOf('.'));
  expect(name).toMatch(/\.[a-z0-9]{1,8}$/);
  expect(name).not.toMatch(/[<>:"/\\|?*]|\p{Cc}|\p{Cs}|\p{Bidi_Control}|[\p{Zl}\p{Zp}]|\.\./u);
  expect(stem).not.toMatch(/^[.\s\p{M}-]|[.\s]$/u);
  expect(stem).not.toBe('');
  expect(base.trim()).not.toMatch(/^(?:con|prn|aux|nul|conin\$|conout\$|com[\d¹²³]|lpt[\d¹²³])$/i);
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(240);
  // Windows counts UTF-16 units.
  expect(name.length).toBeLessThanOrEqual(255);
}

function assertHeaders(name: string): void {
  for (const inline of [true, false]) {
    const header = contentDisposition(name, inline);
    expect(header).toMatch(/^(?:inline|attachment); filename="?[\x20-\x7E]+$/);
    expect(parse(header).parameters.filename).toBe(name);
    const ascii = /filename="?([^";]+)"?; /.exec(header)?.[1] ?? '';
    assertSafe(ascii);
  }
  expect(encodedFileName(name)).toMatch(/^[\w.!~%-]+$/);
  expect(decodeURIComponent(encodedFileName(name))).toBe(name);
}

describe('a name of the user and the id', () => {
  it.each([
    ['user.name_1', undefined, 'mp4', `user.name_1_${ID}.mp4`],
    ['user', 1, 'jpg', `user_${ID}_01.jpg`],
    ['user', 123, 'webp', `user_${ID}_123.webp`],
    ['../../etc/passwd', undefined, 'mp4', `etcpasswd_${ID}.mp4`],
    ['..', undefined, 'mp4', `post_${ID}.mp4`],
    ['', undefined, 'mp4', `post_${ID}.mp4`],
    ['CON', undefined, 'mp4', `CON_${ID}.mp4`],
    ['-rf', undefined, 'mp4', `rf_${ID}.mp4`],
    ['renée', undefined, 'mp4', `renée_${ID}.mp4`],
    ['小明', undefined, 'mp4', `小明_${ID}.mp4`],
    ['\u202E\u2066\u200B\u3164', undefined, 'mp4', `post_${ID}.mp4`],
    ['x'.repeat(500), undefined, 'mp4', `${'x'.repeat(120)}_${ID}.mp4`],
    ['明'.repeat(500), undefined, 'mp4', `${'明'.repeat(40)}_${ID}.mp4`],
    ['a\u202Egpj.exe', undefined, 'mp4', `agpj.exe_${ID}.mp4`],
    ['a\r\nSet-Cookie: x', undefined, 'mp4', `aSet-Cookiex_${ID}.mp4`],
    ['a\uD800b', undefined, 'mp4', `ab_${ID}.mp4`],
    ['user', undefined, '../exe', `user_${ID}.exe`],
    ['user', undefined, '', `user_${ID}.bin`],
  ])('%j, %j, %j → %s', (user, index, extension, expected) => {
    const parts = { ...POST, user, extension, ...(index !== undefined && { index }) };
    expect(named().nameOf(parts)).toBe(expected);
    assertSafe(expected);
    assertHeaders(expected);
  });

  it('needs nothing but the reference of the post', () => {
    expect(named().needPost).toBe(false);
    expect([named('{title}').needPost, named('{id} {date}').needPost]).toEqual([true, true]);
  });
});

const FAMILY = '👨‍👩‍👧‍👦';

describe('a name with the title', () => {
  it.each([
    ['A cat on a swing #cat', 'A cat on a swing #cat.mp4'],
    ['AC/DC: "live?" <now> | \\o/ *', 'AC DC live now o.mp4'],
    ['  …\t\n two\u2028lines \u00A0 ', '… two lines.mp4'],
    ['... trailing. . ', 'trailing.mp4'],
    ['-rf ~', 'rf ~.mp4'],
    ['CON', '_CON.mp4'],
    ['nul.tar', '_nul.tar.mp4'],
    ['Com1', '_Com1.mp4'],
    ['LPT³ x', '_LPT³ x.mp4'],
    ['console', 'console.mp4'],
    [`${FAMILY} family 👍🏽 ❤️`, `${FAMILY} family 👍🏽 ❤️.mp4`],
    ['\u200D\uFE0F a\u200Db \u202Egnp.exe\u202C', 'a\u200Db gnp.exe.mp4'],
    ['می\u200Cخواهم', 'می\u200Cخواهم.mp4'],
    ['عنوان \u061Cبالعربية\u200F', 'عنوان بالعربية.mp4'],
    ['100%41 (it\'s) "x"', "100%41 (it's) x.mp4"],
    ['℀ and ：', '℀ and ：.mp4'],
    ['\u0301mark', 'mark.mp4'],
    ['', `post_${ID}.mp4`],
    ['?!', '!.mp4'],
    ['\uD800\u{E0041}', `post_${ID}.mp4`],
  ])('%j → %s', (title, expected) => {
    const name = named('{title}').nameOf({ ...POST, title });
    expect(name).toBe(expected);
    assertSafe(name);
    assertHeaders(name);
  });

  it.each([
    ['300 letters', 'x'.repeat(300), 'x'.repeat(216)],
    ['emoji families of 25 bytes', FAMILY.repeat(12), FAMILY.repeat(8)],
    ['characters of three bytes', '明'.repeat(100), '明'.repeat(72)],
    ['a letter under 200 marks', `ok e${'\u0301'.repeat(200)}`, 'ok'],
  ])('cuts %s between graphemes, and nothing else', (_, title, kept) => {
    const name = named('{title}_{id}').nameOf({ ...POST, title });
    expect(name).toBe(`${kept.normalize('NFC')}_${ID}.mp4`.replace('ok_', 'ok _'));
    assertSafe(name);
  });
});

describe('a template', () => {
  const full = { ...POST, title: 'A title', createdAt: 1_763_798_400 };

  it.each([
    ['{date} {title} [{id}]', {}, `2025-11-22 A title [${ID}].mp4`],
    ['{user} - {index} - {id}', { index: 2 }, `user - 02 - ${ID}.mp4`],
    ['{user} - {index} - {id}', {}, `user - ${ID}.mp4`],
    ['{index}. {title}', { index: 7 }, '07. A title.mp4'],
    ['{index}. {title}', {}, 'A title.mp4'],
    ['{title}, {date}', { index: 7, title: '' }, '2025-11-22_07.mp4'],
    // Of the id, where the post does not say it.
    ['{date}_{id}', { createdAt: null }, `2022-07-23_${ID}.mp4`],
    ['{date}_{id}', { createdAt: null, id: '5' }, '5.mp4'],
    ['抖音 {id}', {}, `抖音 ${ID}.mp4`],
    ['{id}.', {}, `${ID}.mp4`],
  ])('%s with %j → %s', (template, parts, expected) => {
    const name = named(template).nameOf({ ...full, ...parts });
    expect(name).toBe(expected);
    assertSafe(name);
  });

  it('gives a safe name for any post', () => {
    const names = ['{user}_{id}', '{title}', '{date} {index} - {title} ({user})'].map(named);
    const anything = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.string({ unit: 'grapheme', maxLength: 300 }),
      fc.constantFrom('con', 'NUL ', 'aux.', '..', '\u202E'),
    );
    fc.assert(
      fc.property(
        fc.record({ user: anything, id: anything, title: anything, extension: anything }),
        fc.option(fc.nat(10_000), { nil: undefined }),
        fc.constantFrom(...names),
        (parts, index, by) => {
          const post = { ...parts, createdAt: null };
          const name = by.nameOf({ ...post, ...(index !== undefined && { index }) });
          assertSafe(name);
          assertHeaders(name);
        },
      ),
    );
  });
});

describe('contentDisposition', () => {
  it.each([
    ['a_1.mp4', `attachment; filename=a_1.mp4; filename*=UTF-8''a_1.mp4`],
    ['renée_1.mp4', `attachment; filename=renee_1.mp4; filename*=UTF-8''ren%C3%A9e_1.mp4`],
    ['小明_1.mp4', `attachment; filename=post_1.mp4; filename*=UTF-8''%E5%B0%8F%E6%98%8E_1.mp4`],
    ['小明.mp4', `attachment; filename=post.mp4; filename*=UTF-8''%E5%B0%8F%E6%98%8E.mp4`],
    ['con明.mp4', `attachment; filename=post_con.mp4; filename*=UTF-8''con%E6%98%8E.mp4`],
    ["it's (1).mp4", `attachment; filename="it's (1).mp4"; filename*=UTF-8''it%27s%20%281%29.mp4`],
  ])('%s', (name, expected) => {
    expect(contentDisposition(name, false)).toBe(expected);
    expect(contentDisposition(name, true)).toBe(expected.replace('attachment', 'inline'));
  });
});

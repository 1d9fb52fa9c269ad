import { parse } from 'content-disposition';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentDisposition, encodedFileName, mediaFileName } from '../../src/media/index.ts';

const ID = '7123456789012345600';

describe('mediaFileName', () => {
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
    const parts = index === undefined ? { user, id: ID, extension } : { user, id: ID, extension, index };
    expect(mediaFileName(parts)).toBe(expected);
  });

  it('is safe for any input', () => {
    const anything = fc.string({ unit: 'binary', maxLength: 300 });
    fc.assert(
      fc.property(
        fc.record({ user: anything, id: anything, extension: anything }),
        fc.nat(10_000),
        (parts, index) => {
          for (const name of [mediaFileName(parts), mediaFileName({ ...parts, index })]) {
            expect(name).toMatch(/^[\p{L}\p{N}_][\p{L}\p{N}\p{M}._-]*\.[a-z0-9]{1,8}$/u);
            expect(name).not.toMatch(/\p{C}|\p{Z}|\p{Bidi_Control}|\p{Default_Ignorable_Code_Point}/u);
            expect(name).not.toMatch(/\.\./);
            expect(name).not.toMatch(/^(?:con|prn|aux|nul|com\d|lpt\d)\./i);
            expect(Buffer.byteLength(name)).toBeLessThanOrEqual(180);
            expect(parse(contentDisposition(name, false)).parameters.filename).toBe(name);
            expect(decodeURIComponent(encodedFileName(name))).toBe(name);
            expect(contentDisposition(name, true)).toMatch(/^inline; filename="?[\x20-\x7E]+$/);
          }
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
  ])('%s', (name, expected) => {
    expect(contentDisposition(name, false)).toBe(expected);
    expect(contentDisposition(name, true)).toBe(expected.replace('attachment', 'inline'));
  });
});

import { parse } from 'content-disposition';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentDisposition, encodedFileName, mediaFileName } from '../../src/cdn/index.ts';

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
    ['renée', undefined, 'mp4', `renee_${ID}.mp4`],
    ['小明', undefined, 'mp4', `post_${ID}.mp4`],
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
            expect(name).toMatch(/^[A-Za-z0-9_][A-Za-z0-9._-]*\.[a-z0-9]{1,8}$/);
            expect(name).not.toMatch(/\.\./);
            expect(name).not.toMatch(/^(?:con|prn|aux|nul|com\d|lpt\d)\./i);
            expect(name.length).toBeLessThanOrEqual(128);
            expect(parse(contentDisposition(name, false)).parameters.filename).toBe(name);
            expect(encodedFileName(name)).toBe(name);
          }
        },
      ),
    );
  });
});

describe('contentDisposition', () => {
  it('says attachment or inline, in ASCII and in the extended form', () => {
    expect(contentDisposition('a_1.mp4', false)).toBe(
      `attachment; filename="a_1.mp4"; filename*=UTF-8''a_1.mp4`,
    );
    expect(contentDisposition('a_1.mp4', true)).toBe(`inline; filename="a_1.mp4"; filename*=UTF-8''a_1.mp4`);
  });
});

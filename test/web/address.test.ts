import { describe, expect, it } from 'vitest';
import { pageAddress, platformOf, postAddress, postAddresses } from '../../src/web/address.ts';

describe('postAddress', () => {
  it.each([
    ['https://www.tiktok.com/@x/video/76', 'https://www.tiktok.com/@x/video/76'],
    ['tiktok.com/@x/video/76', 'https://tiktok.com/@x/video/76'],
    ['look: vm.tiktok.com/ZS1, wow', 'https://vm.tiktok.com/ZS1'],
    ['(see https://www.tiktok.com/@x/video/76).', 'https://www.tiktok.com/@x/video/76'],
    ['http://www.tiktok.com/@x/video/76', 'https://www.tiktok.com/@x/video/76'],
    ['HTTPS://www.tiktok.com/@x/video/76', 'https://www.tiktok.com/@x/video/76'],
    ['看 https://v.douyin.com/abc/ 复制', 'https://v.douyin.com/abc/'],
  ])('finds the link in %j', (text, address) => {
    expect(postAddress(text)).toBe(address);
  });

  it.each([
    'some note I copied',
    'https://evil.example/@a/video/1?https://www.tiktok.com/',
    'https://evil.example/tiktok.com/@x/video/76',
    'tiktok.com',
    'tiktok.com.evil.example/@x/video/76',
  ])('finds none in %j', (text) => {
    expect(postAddress(text)).toBeNull();
  });

  it('finds each link once', () => {
    const [a, b] = ['https://www.tiktok.com/@x/video/1', 'https://www.tiktok.com/@x/video/2'];
    expect(postAddresses(`${a} ${b} ${a}`)).toEqual([a, b]);
  });

  it.each([
    ['right behind each other', 'https://vm.tiktok.com/ZS1/https://v.douyin.com/abc/', 2],
    ['in lines', 'tiktok.com/@x/video/1\nhttps://www.douyin.com/note/2\nhttps://www.tiktok.com/t/ZT1/', 3],
    [
      'of a page of Douyin with a post over it',
      'https://www.douyin.com/user/a?modal_id=7 vt.tiktok.com/ZS2',
      2,
    ],
    [
      'in the query of another',
      'https://www.tiktok.com/@x/video/1?from=https://www.tiktok.com/@x/video/2',
      1,
    ],
    ['of the app, as TikTok Lite adds', 'https://vm.tiktok.com/ZS1 https://www.tiktok.com/tiktoklite', 1],
    ['of a profile', 'https://www.tiktok.com/@x https://www.tiktok.com/@x/photo/3', 1],
  ])('knows links to posts %s', (_name, text, count) => {
    expect(postAddresses(text).length).toBe(count);
  });
});

it('platformOf tells Douyin from TikTok', () => {
  expect(platformOf('https://v.douyin.com/abc/')).toBe('douyin');
  expect(platformOf('https://vm.tiktok.com/abc/')).toBe('tiktok');
  expect(platformOf('nonsense')).toBe('tiktok');
});

it('pageAddress keeps the links alone', () => {
  expect(pageAddress('Look! tiktok.com/@x/video/1 #fyp')).toBe(
    '?url=https%3A%2F%2Ftiktok.com%2F%40x%2Fvideo%2F1',
  );
  const two = new URLSearchParams(pageAddress('a https://vm.tiktok.com/ZS1, b https://vm.tiktok.com/ZS2'));
  expect(two.get('url')).toBe('https://vm.tiktok.com/ZS1 https://vm.tiktok.com/ZS2');
});

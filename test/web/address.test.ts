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
});

it('platformOf tells Douyin from TikTok', () => {
  expect(platformOf('https://v.douyin.com/abc/')).toBe('douyin');
  expect(platformOf('https://vm.tiktok.com/abc/')).toBe('tiktok');
  expect(platformOf('nonsense')).toBe('tiktok');
});

it('pageAddress keeps the link alone', () => {
  expect(pageAddress('Look! tiktok.com/@x/video/1 #fyp')).toBe(
    '?url=https%3A%2F%2Ftiktok.com%2F%40x%2Fvideo%2F1',
  );
});

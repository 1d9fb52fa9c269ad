import { describe, expect, it } from 'vitest';
import { createdAtOf } from '../../src/posts/created-at.ts';

describe('createdAtOf', () => {
  it.each([
    ['7582914250524413219', 1_765_534_805],
    ['6718335390845095173', 1_564_234_353],
    ['123456', null],
    ['9'.repeat(20), null],
    ['9'.repeat(30), null],
    ['', null],
    ['-1', null],
  ])('of %s is %s', (id, seconds) => {
    expect(createdAtOf(id)).toBe(seconds);
  });
});

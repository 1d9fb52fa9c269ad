import { describe, expect, it } from 'vitest';
import { Pacer } from '../../src/extraction/sources/pacer.ts';

describe('Pacer', () => {
  it('spaces requests of one slot and does not delay other slots', () => {
    const pacer = new Pacer(Pacer.memory(2));
    expect(pacer.reserve(0, 500, 5000, 10_000)).toBe(0);
    expect(pacer.reserve(0, 500, 5000, 10_000)).toBe(500);
    expect(pacer.reserve(0, 500, 5000, 10_100)).toBe(900);
    expect(pacer.reserve(1, 500, 5000, 10_100)).toBe(0);
  });

  it('reserves nothing when the wait would be too long', () => {
    const pacer = new Pacer(Pacer.memory(1));
    pacer.reserve(0, 1000, 0, 10_000);
    expect(pacer.reserve(0, 1000, 500, 10_000)).toBeNull();
    expect(pacer.reserve(0, 1000, 0, 11_000)).toBe(0);
  });

  it('is shared by all threads that have its memory', () => {
    const memory = Pacer.memory(1);
    new Pacer(memory).reserve(0, 500, 0, 10_000);
    expect(new Pacer(memory).reserve(0, 500, 1000, 10_000)).toBe(500);
  });
});

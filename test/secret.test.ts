import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from '../src/secret.ts';

const VALUE = 'swordfish-4711';
const secret = new Secret(VALUE);

describe('a secret', () => {
  it('is revealed to those who ask for it by name', () => {
    expect(secret.reveal()).toBe(VALUE);
  });

  it.each<[string, string]>([
    ['String()', String(secret)],
    ['a template', `${secret}`],
    ['concatenation', `key: ${secret}`],
    ['JSON', JSON.stringify({ secret })],
    ['inspect', inspect({ secret }, { depth: null, showHidden: true })],
    ['inspect without custom inspection', inspect(secret, { customInspect: false, showHidden: true })],
    ['its own keys', JSON.stringify(Object.entries(secret))],
    ['a spread copy', JSON.stringify({ ...secret })],
    ['an error with it as cause', inspect(new Error('failed', { cause: { secret } }))],
  ])('does not appear in %s', (_, printed) => {
    expect(printed).not.toContain(VALUE);
  });
});

import { createHash } from 'node:crypto';
import type { Challenge } from '../../src/errors.ts';

/** Solves a challenge of the bot check. @returns the header X-Solution */
export function solve({ token, salt, target, max }: Challenge): string {
  for (let number = 0; number < max; number += 1) {
    if (createHash('sha256').update(`${salt}${number}`).digest('hex') === target) return `${token}.${number}`;
  }
  throw new Error('no number solves the challenge');
}

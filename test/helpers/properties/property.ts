import fc from 'fast-check';

/** What must hold for whatever strangers send. Tests run some thousands of cases, scripts/fuzz.ts hundreds of thousands. */
export interface Property {
  name: string;
  /** Share of the cases that a run is asked for: the slow ones get fewer. */
  share: number;
  check(numRuns: number, seed: number): Promise<void> | void;
}

/** A property that is checked at once. */
export function sync<T extends [unknown, ...unknown[]]>(
  name: string,
  share: number,
  property: fc.IPropertyWithHooks<T>,
): Property {
  return { name, share, check: (numRuns, seed) => fc.assert(property, { numRuns, seed }) };
}

export function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

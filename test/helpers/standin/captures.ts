import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** CAPTURES, or the folder beside the repository, with real answers that others captured. */
const FOLDER = process.env.CAPTURES || fileURLToPath(new URL('../../../../shared/fixtures', import.meta.url));

export const hasCaptures = existsSync(FOLDER);

if (!hasCaptures) console.warn('skipped: no captured answers here, nothing to compare the stand-in with');

export function capture(path: string): string {
  return readFileSync(`${FOLDER}/${path}`, 'utf8');
}

/** Paths of a JSON value with the type of each leaf: `a.b[]: string`. */
export function shapeOf(value: unknown, path = ''): Map<string, string> {
  const shape = new Map<string, string>();
  const merge = (inner: Map<string, string>) => {
    for (const [key, type] of inner) shape.set(key, type);
  };
  if (Array.isArray(value)) for (const item of value) merge(shapeOf(item, `${path}[]`));
  else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value))
      merge(shapeOf(item, path === '' ? key : `${path}.${key}`));
  } else shape.set(path, value === null ? 'null' : typeof value);
  return shape;
}

/** Paths that both have with different types, and paths that only the first has. */
export function compareShapes(ours: unknown, real: unknown): { invented: string[]; mistyped: string[] } {
  const [mine, theirs] = [shapeOf(ours), shapeOf(real)];
  const known = [...mine].filter(([path]) => theirs.has(path));
  return {
    invented: [...mine.keys()].filter((path) => !theirs.has(path)),
    mistyped: known
      .filter(([path, type]) => type !== theirs.get(path))
      .map(([path, type]) => `${path}: ${type}, in truth ${theirs.get(path)}`),
  };
}

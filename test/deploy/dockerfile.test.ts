import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8').split('\n');

/** What `COPY` takes out of the project's folder, without those of other stages. */
const copied = read('Dockerfile')
  .filter((line) => /^COPY (?!--from)/.test(line))
  .flatMap((line) => line.split(/\s+/).slice(1, -1));

/** The names that .dockerignore lets in; all else is kept out by its first pattern. */
const letIn = new Set(read('.dockerignore').flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : [])));

it.each(copied)('%s, which the image is built with, may enter the build', (name) => {
  expect(read('.dockerignore')).toContain('*');
  expect(letIn).toContain(name);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8').split('\n');

/** Sources of `COPY` in the project's folder, not in other stages. */
const copied = read('Dockerfile')
  .filter((line) => /^COPY (?!--from)/.test(line))
  .flatMap((line) => line.split(/\s+/).slice(1, -1));

/** The paths that .dockerignore includes; its first pattern excludes everything else. */
const included = new Set(
  read('.dockerignore').flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : [])),
);

it.each(copied)('.dockerignore includes %s, which the Dockerfile copies', (name) => {
  expect(read('.dockerignore')).toContain('*');
  const parts = name.split('/');
  const folders = parts.map((_, i) => parts.slice(0, i + 1).join('/'));
  expect(folders.some((folder) => included.has(folder))).toBe(true);
});

it('checks the health on the management port, which is not exposed', () => {
  const lines = read('Dockerfile');
  expect(lines.join('\n')).toMatch(/^ {2}MANAGEMENT_PORT=3022$/m);
  expect(lines.filter((line) => line.startsWith('EXPOSE'))).toEqual(['EXPOSE 3021']);
  expect(lines.find((line) => line.includes('/health/ready'))).toContain('process.env.MANAGEMENT_PORT');
});

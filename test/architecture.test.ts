/** Directions between the folders of src: main → app → http → features → posts, config, errors. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { init, parse } from 'es-module-lexer';
import { describe, expect, it } from 'vitest';

const SRC = join(import.meta.dirname, '../src');

interface Import {
  from: string;
  /** A path inside src for a relative import, else the name of the package or `node:…`. */
  to: string;
  /** Erased by the compiler. */
  typeOnly: boolean;
}

/** The lexer reads JavaScript: `type` is blanked where TypeScript adds it to an import. */
const TYPE_IMPORT = /^(import|export) type (?=[\w{*])(?!\w+\s*[=<])/gm;

function importsOf(from: string): Import[] {
  const source = readFileSync(join(SRC, from), 'utf8');
  const [found] = parse(source.replace(TYPE_IMPORT, '$1      '), from);
  return found
    .filter(({ n }) => n !== undefined)
    .map(({ n = '', ss, se }) => ({
      from,
      to: n.startsWith('.') ? posix.join(posix.dirname(from), n) : n,
      typeOnly: /^(import|export) type\b/.test(source.slice(ss, se)),
    }));
}

await init;
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'));
const imports = files.flatMap(importsOf);
const own = imports.filter(({ to }) => to.endsWith('.ts'));

const folderOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '');
const list = (found: readonly Import[]) => found.map(({ from, to }) => `${from} → ${to}`);

/** Files and folders that any feature may import; posts is pure data, the rest import no folder but these. */
const FOUNDATION = new Set([
  'errors.ts',
  'config.ts',
  'config-values.ts',
  'key-strength.ts',
  'limits.ts',
  'memory.ts',
  'secret.ts',
  'network-list.ts',
  'watched-file.ts',
  'posts',
  'concurrency',
]);
/** Files that put the features together. */
const TOP = new Set([
  'main.ts',
  'app.ts',
  'makers.ts',
  'checks.ts',
  'services.ts',
  'operator.ts',
  'relay.ts',
  'log.ts',
  'listen.ts',
  'closers.ts',
]);
const isFeature = (path: string) => !['', 'http', 'web'].includes(folderOf(path));

/** Groups of names that reach each other, from pairs of a name and what it needs. */
function circles(edges: readonly (readonly [string, string])[]): string[][] {
  const needs = new Map<string, Set<string>>();
  for (const [from, to] of edges) needs.set(from, (needs.get(from) ?? new Set()).add(to));
  const reach = new Map<string, Set<string>>();
  for (const start of needs.keys()) {
    const seen = new Set<string>();
    const ahead = [...(needs.get(start) ?? [])];
    for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      ahead.push(...(needs.get(next) ?? []));
    }
    reach.set(start, seen);
  }
  const inCircle = [...reach.keys()].filter((name) => reach.get(name)?.has(name));
  const groups = inCircle.map((name) =>
    inCircle.filter((other) => reach.get(name)?.has(other) && reach.get(other)?.has(name)),
  );
  return [...new Set(groups.map((group) => group.sort().join(' ')))].map((group) => group.split(' '));
}

describe('the imports', () => {
  it('are all found', () => {
    const statements = files.flatMap(
      (name) => readFileSync(join(SRC, name), 'utf8').match(/^(?:import|export)\b[^;]*?\bfrom '/gm) ?? [],
    );
    expect(statements.length).toBeGreaterThan(100);
    expect(imports.length).toBeGreaterThanOrEqual(statements.length);
    expect(imports.filter(({ typeOnly }) => typeOnly).length).toBeGreaterThan(100);
  });

  it('lead to files that exist', () => {
    expect(list(own.filter(({ to }) => !files.includes(to)))).toEqual([]);
  });

  it('form no circle of files, types included', () => {
    expect(circles(own.map(({ from, to }) => [from, to]))).toEqual([]);
  });

  it('form no circle of folders, types included', () => {
    const between = own.filter(
      ({ from, to }) => folderOf(from) !== folderOf(to) && folderOf(from) && folderOf(to),
    );
    expect(circles(between.map(({ from, to }) => [folderOf(from), folderOf(to)]))).toEqual([]);
  });

  it('enter a folder by its index, other than posts', () => {
    const across = own.filter(({ from, to }) => folderOf(to) !== '' && folderOf(from) !== folderOf(to));
    const sideways = across.filter(({ to }) => folderOf(to) !== 'posts' && !to.endsWith('/index.ts'));
    // app puts the routes together.
    expect(list(sideways.filter(({ from, to }) => !(from === 'app.ts' && folderOf(to) === 'http')))).toEqual(
      [],
    );
  });
});

describe('the layers', () => {
  it('have nothing above main, and only main above app', () => {
    expect(list(own.filter(({ to }) => to === 'main.ts'))).toEqual([]);
    expect(list(own.filter(({ from, to }) => to === 'app.ts' && from !== 'main.ts'))).toEqual([]);
  });

  it('keep features and routes out of main', () => {
    expect(list(own.filter(({ from, to }) => from === 'main.ts' && isFeature(to)))).toEqual([]);
    expect(list(own.filter(({ from, to }) => from === 'main.ts' && to.startsWith('http/routes/')))).toEqual(
      [],
    );
  });

  it('keep http and the top out of features', () => {
    const upward = own.filter(({ from, to }) => isFeature(from) && (folderOf(to) === 'http' || TOP.has(to)));
    expect(list(upward)).toEqual([]);
  });

  it('keep features out of the foundation', () => {
    const isFoundation = (path: string) => FOUNDATION.has(path) || FOUNDATION.has(folderOf(path));
    expect(list(own.filter(({ from, to }) => isFoundation(from) && !isFoundation(to)))).toEqual([]);
  });

  it('keep posts pure: no package, no system, and nothing of ours but errors and config', () => {
    const outward = imports.filter(
      ({ from, to }) =>
        folderOf(from) === 'posts' && folderOf(to) !== 'posts' && !['errors.ts', 'config.ts'].includes(to),
    );
    expect(list(outward)).toEqual([]);
  });

  it('keep the web page and the service apart', () => {
    const across = own.filter(({ from, to }) => (folderOf(from) === 'web') !== (folderOf(to) === 'web'));
    expect(list(across)).toEqual([]);
  });

  it('keep tests and scripts out of src', () => {
    expect(list(own.filter(({ to }) => to.startsWith('..')))).toEqual([]);
  });
});

describe('http', () => {
  it('is with app the only place that knows Fastify', () => {
    const fastify = imports.filter(({ to }) => /^(@fastify\/|fastify)/.test(to));
    const elsewhere = fastify.filter(({ from }) => folderOf(from) !== 'http' && from !== 'app.ts');
    expect(fastify.length).toBeGreaterThan(0);
    expect(list(elsewhere)).toEqual([]);
  });

  it('has no route that imports a route', () => {
    const routes = own.filter(
      ({ from, to }) => from.startsWith('http/routes/') && to.startsWith('http/routes/'),
    );
    expect(list(routes)).toEqual([]);
  });
});

/** What a file loads, and what that loads: paths and packages. */
function loadedBy(entry: string): string[] {
  const seen = new Set<string>([entry]);
  for (const file of seen)
    for (const { from, to, typeOnly } of imports) if (from === file && !typeOnly) seen.add(to);
  return [...seen];
}

describe('the main thread', () => {
  const loaded = loadedBy('main.ts');

  it('loads all that serves, and no decoder of pictures', () => {
    expect(loaded).toEqual(expect.arrayContaining(['pictures/pictures.ts', 'slideshow/slideshows.ts']));
    expect(loaded).not.toContain('sharp');
    expect(loadedBy('pictures/picture-process.ts')).toContain('sharp');
  });
});

describe('the worker, which each of twenty threads loads,', () => {
  const loaded = loadedBy('extraction/worker.ts');

  it('loads the connection and the posts', () => {
    expect(loaded).toEqual(
      expect.arrayContaining(['extraction/connection.ts', 'posts/from-page.ts', 'errors.ts']),
    );
  });

  it('loads no package', () => {
    expect(loaded.filter((one) => !one.endsWith('.ts') && !one.startsWith('node:'))).toEqual([]);
  });

  it('loads nothing of the folders that have packages', () => {
    expect(
      loaded.filter((one) => one.endsWith('.ts') && !/^(extraction\/|posts\/|errors\.ts$)/.test(one)),
    ).toEqual([]);
  });
});

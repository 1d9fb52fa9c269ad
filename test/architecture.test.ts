/** ARCHITECTURE.md: main → app → http → features → config, errors; one file is the way into a folder. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

interface Import {
  from: string;
  /** A path inside src/ for a relative import, the name of the package or `node:…` otherwise. */
  to: string;
  /** Gone after compilation: `import type`, or nothing but `type` names in the braces. */
  typeOnly: boolean;
}

/** `import … from`, `export … from`, `import '…'` and `import('…')`. */
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:([\w*\s{},]+?)\s+from\s+)?'([^']+)'|\bimport\('([^']+)'\)/g;

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
  .map((name) => name.replaceAll('\\', '/'));

const imports = files.flatMap((from): Import[] => {
  const source = readFileSync(join(SRC, from), 'utf8');
  return [...source.matchAll(IMPORT)].map(([, type, names, target, dynamic]) => {
    const specifier = target ?? dynamic ?? '';
    const to = specifier.startsWith('.')
      ? relative(SRC, join(SRC, dirname(from), specifier)).replaceAll('\\', '/')
      : specifier;
    return { from, to, typeOnly: type !== undefined || onlyTypes(names) };
  });
});

function onlyTypes(names: string | undefined): boolean {
  const inside = /^\{([\s\S]*)\}$/.exec(names?.trim() ?? '')?.[1];
  const each =
    inside
      ?.split(',')
      .map((name) => name.trim())
      .filter(Boolean) ?? [];
  return each.length > 0 && each.every((name) => name.startsWith('type '));
}

const folderOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '');
const isOurs = (path: string) => path.endsWith('.ts');
const told = (found: readonly Import[]) => found.map(({ from, to }) => `${from} → ${to}`);

const own = imports.filter(({ to }) => isOurs(to));
const runtime = own.filter(({ typeOnly }) => !typeOnly);

/** What every folder may use: these know nothing of any folder. */
const FOUNDATION = new Set(['errors.ts', 'config.ts', 'secret.ts', 'ffmpeg.ts', 'ffmpeg-run.ts']);
/** Pure data and functions without state: any of its files may be entered. */
const OPEN = new Set(['posts']);
const ROOTS = new Set(['main.ts', 'app.ts', 'log.ts', 'services.ts']);
const isFeature = (path: string) => folderOf(path) !== '' && folderOf(path) !== 'http';

describe('the imports', () => {
  it('are all found', () => {
    const words = files.map(
      (name) =>
        readFileSync(join(SRC, name), 'utf8').match(/^\s*(?:import|export)\b[^;]*?\bfrom '/gm)?.length ?? 0,
    );
    const statements = words.reduce((sum, count) => sum + count, 0);
    expect(statements).toBeGreaterThan(100);
    expect(imports.length).toBeGreaterThanOrEqual(statements);
  });

  it('lead to files that exist', () => {
    const known = new Set(files);
    expect(told(own.filter(({ to }) => !known.has(to)))).toEqual([]);
  });
});

describe('the layers', () => {
  it('nobody imports main', () => {
    expect(told(own.filter(({ to }) => to === 'main.ts'))).toEqual([]);
  });

  it('only main imports app', () => {
    expect(told(own.filter(({ from, to }) => to === 'app.ts' && from !== 'main.ts'))).toEqual([]);
  });

  it('main imports no feature and no route', () => {
    expect(told(own.filter(({ from, to }) => from === 'main.ts' && folderOf(to) !== ''))).toEqual([]);
  });

  it('no feature imports http, app, main or what only they use', () => {
    const upward = own.filter(
      ({ from, to }) => isFeature(from) && (folderOf(to) === 'http' || ROOTS.has(to)),
    );
    expect(told(upward)).toEqual([]);
  });

  it('the foundation imports no folder', () => {
    expect(told(own.filter(({ from, to }) => FOUNDATION.has(from) && folderOf(to) !== ''))).toEqual([]);
  });

  it('nothing in src imports tests or scripts', () => {
    expect(told(own.filter(({ to }) => to.startsWith('..')))).toEqual([]);
  });
});

describe('the folders', () => {
  it('are entered by their index, other than posts, which is pure data', () => {
    const strangers = runtime.filter(({ from, to }) => isFeature(to) && folderOf(from) !== folderOf(to));
    const sideways = strangers.filter(({ to }) => !OPEN.has(folderOf(to)) && !to.endsWith('/index.ts'));
    expect(told(sideways)).toEqual([]);
  });

  it('do not need each other in a circle', () => {
    const edges = new Map<string, Set<string>>();
    for (const { from, to } of runtime) {
      if (!isFeature(from) || !isFeature(to) || folderOf(from) === folderOf(to)) continue;
      edges.set(folderOf(from), (edges.get(folderOf(from)) ?? new Set()).add(folderOf(to)));
    }
    const reaches = (start: string) => {
      const seen = new Set<string>();
      const ahead = [...(edges.get(start) ?? [])];
      for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
        if (!seen.has(next)) ahead.push(...(edges.get(next) ?? []));
        seen.add(next);
      }
      return seen;
    };
    expect([...edges.keys()].filter((folder) => reaches(folder).has(folder))).toEqual([]);
  });
});

describe('http', () => {
  it('is the only place besides app where Fastify is known', () => {
    const fastify = imports.filter(({ to }) => /^(@fastify\/|fastify)/.test(to));
    const elsewhere = fastify.filter(({ from }) => folderOf(from) !== 'http' && from !== 'app.ts');
    expect(fastify.length).toBeGreaterThan(0);
    expect(told(elsewhere)).toEqual([]);
  });

  it('has no route that imports a route', () => {
    const routes = own.filter(
      ({ from, to }) => from.startsWith('http/routes/') && to.startsWith('http/routes/'),
    );
    expect(told(routes)).toEqual([]);
  });
});

describe('posts', () => {
  it('needs no package and no system: it is pure', () => {
    const outward = imports.filter(({ from, to }) => folderOf(from) === 'posts' && !isOurs(to));
    expect(told(outward)).toEqual([]);
  });
});

describe('the worker, loaded by each of twenty threads,', () => {
  const loaded = (() => {
    const seen = new Set<string>(['extraction/worker.ts']);
    for (const file of seen)
      for (const { from, to, typeOnly } of imports) if (from === file && !typeOnly) seen.add(to);
    return [...seen];
  })();

  it('reaches the connection and the posts', () => {
    expect(loaded).toEqual(
      expect.arrayContaining(['extraction/connection.ts', 'posts/from-page.ts', 'errors.ts']),
    );
  });

  it('loads no package', () => {
    expect(loaded.filter((one) => !isOurs(one) && !one.startsWith('node:'))).toEqual([]);
  });

  it('loads nothing of the folders that have packages', () => {
    expect(loaded.filter((one) => isOurs(one) && !/^(extraction\/|posts\/|errors\.ts$)/.test(one))).toEqual(
      [],
    );
  });
});

import { execFile, execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { prove } from '../../../scripts/engine/prove.mjs';
import { readEngine } from '../../../src/engine/index.ts';
import type { Release } from './bad-releases.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const REPACK = fileURLToPath(new URL('./repack.py', import.meta.url));

type Candidate = Parameters<typeof prove>[1];

export interface Ran {
  code: number;
  output: string;
}

/** A copy of the project whose engine a test may change. */
export interface Project {
  root: string;
  /** dist/main.js of the copy. */
  main: string;
  /** Folder name of the current engine. */
  current(): string;
  /** Has an index offer yt-dlp of that version, and everything it needs. */
  publish(version: string, release: Pick<Release, 'patches'>): Promise<void>;
  /**
   * Has an index offer what yt-dlp's nightly is on PyPI beside the release that is in use: its version in yt-dlp's own
   * words is `2027.03.01.120000`, its package's `2027.3.1.120000.dev0`. `others` are packages that are not released either.
   */
  publishNightly(version: string, others: Record<string, string>): Promise<void>;
  /** A copy of the engine with the release's patches, as `prove` takes it. */
  patched(release: Pick<Release, 'patches'>): Candidate;
  /** What the last step of an update does: the release in its place (ENGINE_DIR, where one is given), and the link on it. */
  install(version: string, release: Pick<Release, 'patches'>, volume?: string): void;
  /** Settings that make pip take what was published, and nothing else. */
  index: Record<string, string>;
  /** `npm run engine:…` after its set-up. */
  engine(args: readonly string[], env?: Record<string, string>): Promise<Ran>;
  /** A release of the project that was tested with other packages, and its set-up. */
  repin(): Promise<void>;
  remove(): void;
}

export function makeProject(): Project {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'project-')));
  for (const folder of ['dist', 'scripts'])
    cpSync(join(ROOT, folder), join(root, folder), { recursive: true });
  for (const shared of ['node_modules', 'package.json', '.ffmpeg']) {
    symlinkSync(join(ROOT, shared), join(root, shared));
  }
  const dir = realpathSync(join(ROOT, '.engine/current'));
  const store = join(root, '.engine');
  mkdirSync(store);
  // Hard links would do, but a test must not be able to change the real one's files.
  symlinkSync(dir, join(store, basename(dir)));
  symlinkSync(basename(dir), join(store, 'current'));
  const index = join(root, 'index');
  const patched: Project['patched'] = ({ patches }) => patchedCopy(dir, join(root, 'patched'), patches);
  return {
    root,
    main: join(root, 'dist/main.js'),
    current: () => basename(readlinkSync(join(store, 'current'))),
    async publish(version, { patches }) {
      rmSync(index, { recursive: true, force: true });
      await repack(dir, index, version, { ...patches, 'version.py': versionLine(version) });
    },
    async publishNightly(version, others) {
      rmSync(index, { recursive: true, force: true });
      await repack(dir, index, readEngine(dir).ytdlp, {});
      const ofPackage = `${version.split('.').map(Number).join('.')}.dev0`;
      await repack(dir, index, ofPackage, { 'version.py': versionLine(version) }, others);
    },
    patched,
    install(version, { patches }, volume) {
      const { folder } = patched({ patches: { ...patches, 'version.py': versionLine(version) } });
      const into = volume ?? store;
      mkdirSync(into, { recursive: true });
      const name = `${version}-update`;
      renameSync(folder, join(into, name));
      const file = join(into, name, 'engine.json');
      const record = JSON.parse(readFileSync(file, 'utf8'));
      // Not into the file itself: it is a hard link to the real engine's.
      rmSync(file);
      writeFileSync(file, JSON.stringify({ ...record, ytdlp: version }));
      const state = { previous: volume ? null : basename(dir), rejected: [], newest: null };
      writeFileSync(join(into, 'state.json'), JSON.stringify(state));
      symlinkSync(name, join(into, '.link'));
      renameSync(join(into, '.link'), join(into, 'current'));
    },
    index: { PIP_NO_INDEX: '1', PIP_FIND_LINKS: index },
    engine(args, env = {}) {
      return run(root, [join(root, 'scripts/engine.mjs'), ...args], { ...this.index, ...env });
    },
    async repin() {
      appendFileSync(join(root, 'scripts/setup/engine-requirements.txt'), '# other packages\n');
      const setUp = `import('${root}/scripts/setup/engine.mjs').then((it) => it.installEngine('${root}'))`;
      await promisify(execFile)(process.execPath, ['-e', setUp], { env: { ...process.env, ...this.index } });
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

const versionLine = (version: string) => `\n__version__ = '${version}'\n`;

async function repack(
  dir: string,
  index: string,
  version: string,
  patches: Release['patches'],
  others: Record<string, string> = {},
): Promise<void> {
  const { python, sysPath } = readEngine(dir);
  const args = [REPACK, sysPath[0] ?? '', index, version, JSON.stringify(patches), JSON.stringify(others)];
  await promisify(execFile)(python, args);
}

/** Hard links to the engine's files, but for those that are patched. */
function patchedCopy(dir: string, folder: string, patches: Release['patches']): Candidate {
  rmSync(folder, { recursive: true, force: true });
  execFileSync('cp', ['-al', dir, folder]);
  const engine = readEngine(folder);
  const packages = engine.sysPath[0] ?? '';
  for (const [name, text] of Object.entries(patches)) {
    const file = join(packages, 'yt_dlp', name.replace('^', ''));
    const content = readFileSync(file, 'utf8');
    rmSync(file);
    writeFileSync(file, name.startsWith('^') ? text + content : content + text);
  }
  return { ...engine, folder };
}

async function run(cwd: string, args: string[], env: Record<string, string>): Promise<Ran> {
  const given = { PATH: process.env.PATH, HOME: process.env.HOME, ...env };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, env: given }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr });
    });
  });
}

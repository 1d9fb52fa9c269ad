/** Updates of the engine inside a container whose root is read-only, as SECURITY.md and the runbook describe them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { scenario } from '../../test/helpers/standin/index.ts';
import { type Container, healthOf, type Image, post, said } from './container.ts';

const REPACK = fileURLToPath(new URL('../../test/helpers/engine/repack.py', import.meta.url));
/** A running service looks every two seconds, and starts a host for the new engine. */
const TAKE_OVER_MS = 30_000;

/**
 * @param env of the service
 * @param builtIn version of the yt-dlp in the image
 */
export async function tryUpdates(
  image: Image,
  env: Readonly<Record<string, string>>,
  builtIn: string,
): Promise<void> {
  const withCanary = { ...env, CANARY_URL: scenario('video').url };
  const update = (args: readonly string[], more: Record<string, string> = {}, engines?: string) =>
    image.run(['sh', '-c', 'exec "$@" 2>&1', 'sh', 'npm', 'run', '-s', 'engine:update', '--', ...args], {
      env: { ...withCanary, ...more },
      ...(engines && { engines }),
    });

  const without = await update([]);
  assert.match(without.output, /\/app\/engines cannot be written to \(EROFS\)/);
  assert.equal(without.code, 1);
  said('without a volume there are no updates, and the command says so');

  const volume = newVolume(image);
  try {
    const before = fingerprint(join(image.root, 'app/.engine'));
    const service = await image.start({ env: withCanary, engines: volume });
    const nightly = await update(['--nightly'], {}, volume);
    assert.equal(nightly.code, 0, nightly.output);
    said(`from the package index: ${nightly.output.trim()}`);
    // Just after a release nothing that is not released is newer.
    const version = /yt-dlp ([\d.]+) is in use from now on/.exec(nightly.output)?.[1];
    if (version) {
      await takesOver(service, version);
      said('the running service took it over');
    }
    const index = publish(image, volume, '2027.1.1');
    const made = await update([], { PIP_NO_INDEX: '1', PIP_FIND_LINKS: index }, volume);
    assert.equal(made.code, 0, made.output);
    await takesOver(service, '2027.1.1');
    await post(service, scenario('video').url);
    said('a release made for this check is taken over by the running service, without a restart');
    await service.stop();
    assert.equal(fingerprint(join(image.root, 'app/.engine')), before);
    said('the yt-dlp of the image is as it was');

    const doctor = await image.run(['npm', 'run', '-s', 'doctor'], { env: withCanary, engines: volume });
    assert.equal(doctor.code, 0, doctor.output);
    assert.match(doctor.output, /Engine +yt-dlp 2027\.1\.1 \(update\) reads a page/);
    said('npm run doctor reads a page with it');

    await startsWith('2027.1.1', 'a new container uses it');
    let rejected: string[] = [];
    if (version) {
      damage(inUse());
      rejected = await startsWith(version, 'where it does not start, the update before it is used');
    }
    const record = join(inUse(), 'engine.json');
    const text = readFileSync(record, 'utf8');
    writeFileSync(record, text.replace(/"ytdlp": "[^"]+"/, '"ytdlp": "2026.1.1"'));
    await startsWith(
      builtIn,
      'where that is older, as after an upgrade of the image, the image’s own is used',
    );
    writeFileSync(record, text);
    damage(inUse());
    const all = await startsWith(builtIn, 'where that does not start, too');
    assert.deepEqual(all.slice(0, -1), rejected);
    for (const name of readdirSync(volume)) rmSync(join(volume, name), { recursive: true });
    await startsWith(builtIn, 'with an empty volume, too');
  } finally {
    rmSync(volume, { recursive: true, force: true });
  }

  function inUse(): string {
    return realpathSync(join(volume, 'current'));
  }

  async function startsWith(version: string, what: string): Promise<string[]> {
    const service = await image.start({ env, engines: volume });
    const { ytdlp, status, engine } = await healthOf(service);
    assert.deepEqual([ytdlp, status, engine.impersonation], [version, 'ok', true]);
    await post(service, scenario('video').url);
    await service.stop();
    said(`${what} (yt-dlp ${version})`);
    return engine.rejected;
  }
}

function damage(engine: string): void {
  writeFileSync(join(packagesOf(engine), 'yt_dlp/__init__.py'), "raise ImportError('damaged')\n");
}

/** A new named volume takes over owner and mode of the folder in the image. */
function newVolume({ root }: Image): string {
  const volume = mkdtempSync(join(tmpdir(), 'check-image-engines-'));
  const { uid, gid, mode } = statSync(join(root, 'app/engines'));
  assert.deepEqual([uid, gid, mode & 0o777], [1000, 1000, 0o700]);
  chownSync(volume, uid, gid);
  return volume;
}

/** Wheels of what is in the image, with yt-dlp under another version. @returns their folder, as seen from inside */
function publish({ root }: Image, volume: string, version: string): string {
  const packages = packagesOf(realpathSync(join(root, 'app/.engine/current')));
  const index = join(volume, '.index');
  mkdirSync(index);
  const patches = { 'version.py': `\n__version__ = '${version}'\n` };
  execFileSync('python3', [REPACK, packages, index, version, JSON.stringify(patches)]);
  return '/app/engines/.index';
}

function packagesOf(engine: string): string {
  const lib = join(engine, 'lib');
  const [python = ''] = readdirSync(lib);
  return join(lib, python, 'site-packages');
}

/** Names, sizes and times of everything in a folder. */
function fingerprint(folder: string): string {
  return execFileSync('find', [folder, '-printf', '%P %s %T@ %l\n'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
}

async function takesOver(service: Container, version: string): Promise<void> {
  const limit = Date.now() + TAKE_OVER_MS;
  while ((await healthOf(service)).ytdlp !== version) {
    assert(Date.now() < limit, `the service does not take over ${version}`);
    await sleep(200);
  }
}

/** What the host does to its own memory and to curl's certificates before its first fork, in the real Python. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { engine, hostPython } from '../helpers/engine.ts';
import { processes, until } from '../helpers/processes.ts';

const HOST = fileURLToPath(new URL('../../src/extraction/host', import.meta.url));

it('copies the code of what was rehearsed, which does the same as before, and of nothing else', () => {
  const said = hostPython(`
import gc, sharing
def counter(start, *, step=2):
    def count(times=3):
        nonlocal start
        start += step * times
        return [start for _ in range(1)]
    return count
def untouched():
    return 'as it was'
count = counter(10)
before = (count.__code__, untouched.__code__)
sharing.prepare(lambda: counter(1)())
say({
    'copied': count.__code__ is not before[0] and count.__code__ == before[0],
    'left': untouched.__code__ is before[1],
    'works': [count(), count(times=1), counter(0, step=5)(2), untouched()],
    'frozen': gc.get_freeze_count() > 0,
    'profiled': sys.getprofile() is not None,
})
`);
  expect(said).toEqual({
    copied: true,
    left: true,
    works: [[16], [18], [10], 'as it was'],
    frozen: true,
    profiled: false,
  });
});

it.skipIf(!engine.impersonation)('leaves out of curl’s certificates only those that its folder has', () => {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
  try {
    const said = hostPython(
      `
import os, trust
slim = trust.slim(sys.argv[1])
from curl_cffi import Curl, CurlInfo
from curl_cffi.curl import DEFAULT_CACERT
path = (Curl().getinfo(CurlInfo.CAPATH) or b'').decode()
in_folder = set()
for name in os.listdir(path) if os.path.isdir(path) else []:
    if trust.HASHED.fullmatch(name):
        in_folder |= trust.certificates(os.path.join(path, name))
whole = trust.certificates(DEFAULT_CACERT)
kept = trust.certificates(slim) if slim else whole
say({'whole': len(whole) > 50, 'lost': len(whole - kept - in_folder), 'readable': len(kept) > 0})
`,
      folder,
    );
    expect(said).toEqual({ whole: true, lost: 0, readable: true });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it.skipIf(process.platform !== 'linux')(
  'goes with a service that is killed, even from an engine that hangs',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hanging-'));
    const pidFile = join(folder, 'pid');
    writeFileSync(
      join(folder, 'yt_dlp.py'),
      `import os, time\nopen(${JSON.stringify(pidFile)}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n`,
    );
    const config = JSON.stringify({
      sysPath: [folder],
      cookiesPath: '',
      caFile: null,
      runDir: folder,
      socketPath: '',
    });
    // Stands for the service: starts a host as HostProcess does, and waits.
    const service = spawn(process.execPath, [
      '-e',
      `require('node:child_process').spawn(process.argv[1], [process.argv[2]], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
      .stdin.write(process.argv[3] + '\\n')`,
      ...[engine.python, join(HOST, 'host.py'), config],
    ]);
    try {
      const hostPid = () => (existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0);
      expect(await until(() => hostPid() > 0, 10_000)).toBe(true);
      const host = hostPid();
      const runs = () => processes().some(({ pid }) => pid === host);
      expect(runs()).toBe(true);
      service.kill('SIGKILL');
      await once(service, 'exit');
      expect(await until(() => !runs(), 2000)).toBe(true);
    } finally {
      service.kill('SIGKILL');
      rmSync(folder, { recursive: true });
    }
  },
);

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { engine } from '../helpers/engine.ts';
import { processes, until } from '../helpers/processes.ts';

const HOST = fileURLToPath(new URL('../../src/extraction/host', import.meta.url));

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

import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { canIsolate, isolated } from '../../src/ffmpeg/isolation.ts';
import { ffmpegToFile } from '../../src/ffmpeg/run.ts';

const run = promisify(execFile);
if (!canIsolate()) console.warn('no user namespaces here: decoders without network are not tested');

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'isolation-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Runs a shell script in ffmpeg's place. */
async function asFfmpeg(body: string): Promise<void> {
  const ffmpegPath = join(dir, 'ffmpeg');
  await writeFile(ffmpegPath, `#!/bin/sh\n${body}\n`);
  await chmod(ffmpegPath, 0o755);
  await ffmpegToFile({ ffmpegPath, inputs: [{ source: '/in' }], outputOptions: [] }, '/out').finished;
}

describe('ffmpeg', () => {
  it('gets no secrets in its environment', async () => {
    vi.stubEnv('ENCRYPTION_KEY', 'do-not-pass-this-on');
    vi.stubEnv('HTTPS_PROXY', 'http://user:password@proxy');
    await asFfmpeg(`env > '${dir}/env'`);
    vi.unstubAllEnvs();
    const env = await readFile(join(dir, 'env'), 'utf8');
    expect(env).toContain('PATH=');
    expect(env).not.toMatch(/ENCRYPTION_KEY|PROXY|NODE_|VITEST/);
  });

  it('is killed before the service when memory ends', async () => {
    await asFfmpeg(
      `for i in 1 2 3 4 5 6 7 8 9 10; do [ "$(cat /proc/$$/oom_score_adj)" = 1000 ] && break; sleep 0.1; done
      cat /proc/$$/oom_score_adj > '${dir}/score'`,
    );
    expect(await readFile(join(dir, 'score'), 'utf8')).toBe('1000\n');
  });
});

describe.skipIf(!canIsolate())('an isolated program', () => {
  const inNode = (script: string) => {
    const { program, args } = isolated(process.execPath, ['-e', script]);
    return run(program, args);
  };

  it('has no network', async () => {
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const script = `require('net').connect(${port}, '127.0.0.1')
      .on('connect', () => { console.log('connected'); process.exit(); })
      .on('error', ({ code }) => console.log(code))`;
    expect((await run(process.execPath, ['-e', script])).stdout).toBe('connected\n');
    expect((await inNode(script)).stdout).toBe('ENETUNREACH\n');
    server.close();
  });

  it('has no capabilities', async () => {
    const { stdout } = await inNode(`console.log(require('fs').readFileSync('/proc/self/status', 'utf8'))`);
    expect(stdout).toMatch(/^CapEff:\s+0+$/m);
  });

  it('cannot read the environment of the service', async () => {
    const script = `try { require('fs').readFileSync('/proc/${process.pid}/environ'); console.log('read'); }
      catch ({ code }) { console.log(code); }`;
    expect((await run(process.execPath, ['-e', script])).stdout).toBe('read\n');
    expect((await inNode(script)).stdout).toBe('EACCES\n');
  });
});

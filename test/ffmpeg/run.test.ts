import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type FfmpegInput, ffmpegToFile, ffmpegToStream, finishWithin } from '../../src/ffmpeg/run.ts';

const run = promisify(execFile);
let dir: string;
let out: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ffmpeg-run-'));
  out = join(dir, 'out');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A program in ffmpeg's place; `$out` is the file it is to write. */
async function job(body: string, inputs: FfmpegInput[] = [{ source: '/in' }], outputOptions = ['-f', 'x']) {
  const path = join(dir, 'ffmpeg');
  await writeFile(path, `#!/bin/sh\necho $$ > '${dir}/pid'\nfor out; do :; done\n${body}\n`);
  await chmod(path, 0o755);
  return { ffmpegPath: path, inputs, outputOptions };
}

async function pid(): Promise<number> {
  return vi.waitFor(
    async () => {
      const found = Number(await readFile(join(dir, 'pid'), 'utf8'));
      expect(found).toBeGreaterThan(0);
      return found;
    },
    { timeout: 20_000 },
  );
}

function expectGone(process_: number): void {
  expect(() => process.kill(process_, 0)).toThrow('ESRCH');
}

it('passes every option as it is, in order', async () => {
  const inputs = [
    { source: '/one', options: ['-a', 'two words'] },
    { source: '/two', options: ['-b c'] },
    { source: '/three' },
  ];
  const order = await job('printf "%s|" "$@" > "$out"', inputs, ['-metadata', 'title=Two words', '-f', 'zz']);
  await ffmpegToFile(order, out).finished;
  const quiet = '-hide_banner|-nostats|-loglevel|warning|';
  expect(await readFile(out, 'utf8')).toBe(
    `${quiet}-a|two words|-i|/one|-b|c|-i|/two|-i|/three|-y|-metadata|title=Two words|-f|zz|${out}|`,
  );
});

it('pipes a stream in and the output out', async () => {
  const { stream, finished } = ffmpegToStream(
    await job('tr a-z A-Z', [{ source: Readable.from(['some text']) }]),
  );
  expect((await buffer(stream)).toString()).toBe('SOME TEXT');
  await finished;
});

it('rejects with the last lines of stderr', async () => {
  await expect(
    ffmpegToFile(await job('echo "No such filter" >&2; exit 3'), out).finished,
  ).rejects.toMatchObject({
    name: 'FfmpegFailed',
    stderr: expect.stringContaining('No such filter'),
  });
});

it('fails when its input stream fails', async () => {
  const broken = Readable.from(
    (async function* () {
      yield 'a';
      await pid();
      throw new Error('cut');
    })(),
  );
  const { finished } = ffmpegToFile(await job('exec sleep 60', [{ source: broken }]), out);
  await expect(finished).rejects.toThrow('cut');
  expectGone(await pid());
});

it('has exited when kill() resolves, also a process that ignores SIGTERM', async () => {
  const { finished, kill } = ffmpegToFile(await job("trap '' TERM INT; exec sleep 60"), out);
  const running = await pid();
  await kill();
  expectGone(running);
  await expect(finished).rejects.toThrow('SIGKILL');
});

it('can be killed before it has started', async () => {
  const { finished, kill } = ffmpegToFile(await job('exec sleep 60'), out);
  await kill();
  await expect(finished).rejects.toThrow('SIGKILL');
});

it('is killed when its time is up or its signal aborts', async () => {
  const stop = new AbortController();
  const late = ffmpegToFile(await job('exec sleep 60'), out);
  await expect(finishWithin(late, { limitMs: 100, signal: stop.signal })).rejects.toThrow('SIGKILL');
  const aborted = ffmpegToFile(await job('exec sleep 60'), out);
  const end = expect(finishWithin(aborted, { limitMs: 60_000, signal: stop.signal })).rejects.toThrow('gone');
  const running = await pid();
  stop.abort(new Error('gone'));
  await end;
  expectGone(running);
  const begun = ffmpegToFile(await job('exec sleep 60'), out);
  await expect(finishWithin(begun, { limitMs: 60_000, signal: stop.signal })).rejects.toThrow('gone');
});

it('rejects where there is no such program', async () => {
  const order = { ...(await job('')), ffmpegPath: join(dir, 'missing') };
  await expect(ffmpegToFile(order, out).finished).rejects.toThrow(/ENOENT|No such file/);
});

it('rejects where the service is out of descriptors, and works again later', async () => {
  const order = await job('exit 0');
  const script = `
    import { closeSync, openSync } from 'node:fs';
    const { ffmpegToFile } = await import(${JSON.stringify(new URL('../../src/ffmpeg/run.ts', import.meta.url).href)});
    const start = () => ffmpegToFile(${JSON.stringify(order)}, ${JSON.stringify(out)}).finished;
    await start();
    const open = [];
    try { for (;;) open.push(openSync('/dev/null', 'r')); } catch {}
    const error = await start().catch((error) => error);
    for (const one of open) closeSync(one);
    console.log(error.name, error.message);
    await start();
    console.log('recovered');`;
  const node = ['node', '--import', 'tsx', '--input-type=module', '-e', '"$0"'].join(' ');
  const { stdout } = await run('sh', ['-c', `ulimit -n 100; exec ${node}`, script]);
  expect(stdout).toMatch(/FfmpegFailed spawn .*EMFILE\nrecovered/);
});

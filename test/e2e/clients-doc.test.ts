import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../helpers/service.ts';
import { type Standin, scenario, startStandin } from '../helpers/standin/index.ts';

/** The examples of docs/CLIENTS.md, as they stand there. */

let standin: Standin;
let service: Service;
let folder: string;

beforeAll(async () => {
  standin = await startStandin();
  service = await startService(standin, { DIALECTS: 'cobalt,tikwm', MAX_WORKERS: '2' });
  folder = mkdtempSync(join(tmpdir(), 'clients-'));
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await service.stop();
  await standin.close();
});

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../docs/CLIENTS.md'), 'utf8');
const blocks = (language: string) =>
  [...DOCUMENT.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text);

const commands = blocks('sh')
  .filter((block) => !block.startsWith('S='))
  .flatMap((block) => block.replaceAll('\\\n', '').trim().split('\n'))
  .map((line) => line.replace(/\s{2,}#.*$/, ''));

const run = promisify(execFile);
const VIDEO = scenario('video').url;

/** What a command must print, by what it sends. */
const ANSWERS: readonly [part: string, pattern: RegExp][] = [
  ['x-ndjson', /^\{"index":[01],.*\}\n\{"index":[01],.*\}\n$/],
  ['/batch', /^\{"results":\[\{"status":"tunnel".*"code":"unsupported_url"/],
  ['links=short', /^\{"status":"tunnel"/],
  ['/api/', /^\{"code":0,"msg":"success"/],
  ['"$S/" -H', /^\{"status":"tunnel","url":/],
  ['"$S/"', /^\{"cobalt":\{"version":"11\./],
  ['pick=', /^$/],
  ['/tiktok', /^\{"status":"tunnel"/],
];

async function runs(command: string): Promise<void> {
  const files = new Set(readdirSync(folder));
  const env = { ...process.env, S: service.baseUrl, LINK: VIDEO };
  const { stdout } = await run('sh', ['-ec', command], { cwd: folder, env });
  expect(stdout).toMatch(ANSWERS.find(([part]) => command.includes(part))?.[1] ?? /never/);
  const saved = readdirSync(folder).filter((name) => !files.has(name));
  const expected = command.includes('pick=mp3') ? ['.mp3'] : command.includes('pick=') ? ['.mp4'] : [];
  const id = VIDEO.split('/').at(-1);
  expect(saved).toEqual(expected.map((ending) => `standin_${id}${ending}`));
  for (const name of saved) expect(statSync(join(folder, name)).size).toBeGreaterThan(10_000);
}

describe('docs/CLIENTS.md', () => {
  it('has examples', () => {
    expect(commands.length).toBeGreaterThan(9);
  });

  const isMissing = (command: string) => spawnSync(command.split(' ', 1)[0] ?? '', ['--version']).error;

  for (const command of commands) it.skipIf(isMissing(command))(command, () => runs(command));

  it('has a bookmarklet that leads to the file of the page on show', async () => {
    const script =
      blocks('js')[0]
        ?.trim()
        .replace(/^javascript:/, '') ?? '';
    const location = { href: `${VIDEO}?is_from_webapp=1&sender_device=pc` };
    new Function('location', script)(location);
    const address = location.href.replace('http://localhost:3021', service.baseUrl);
    const response = await fetch(address);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'video/mp4']);
    expect(response.headers.get('content-disposition')).toMatch(/^attachment/);
    await response.body?.cancel();
  });
});

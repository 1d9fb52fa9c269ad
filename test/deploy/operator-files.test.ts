import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const isRepository = spawnSync('git', ['rev-parse'], { cwd: ROOT, stdio: 'ignore' }).status === 0;

describe.skipIf(!isRepository)('git', () => {
  it.each([
    '.env',
    '.encryption-key',
    'cookies/www.tiktok.com_cookies.txt',
    'deploy/alertmanager/alertmanager.yml',
    'deploy/alertmanager/smtp-password',
    'deploy/nginx/operator/real-ip.conf',
    'deploy/nginx/operator/server/tls.conf',
    'deploy/nginx/tls/privkey.pem',
    'deploy/prometheus/rules/expected-instances.yml',
    'docker-compose.override.yml',
    'temp/Heap.20261127.1.heapsnapshot',
    'Heap.20261127.1.heapsnapshot',
  ])('ignores %s, which an operator adds', (path) => {
    expect(spawnSync('git', ['check-ignore', '-q', path], { cwd: ROOT }).status).toBe(0);
  });

  it('ignores no file of the repository', () => {
    const listed = execFileSync('git', ['ls-files', '-ci', '--exclude-standard'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect(listed).toBe('');
  });
});

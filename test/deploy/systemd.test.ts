import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';

const UNIT = fileURLToPath(new URL('../../deploy/systemd/tiktok-downloader.service', import.meta.url));
/** Of `systemd-analyze security`, times ten: 0 is the best, 100 the worst. */
const MAX_EXPOSURE = 20;
/** Longest clean-up after SHUTDOWN_GRACE, in seconds. */
const CLEAN_UP = 16;

const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' });
const hasSystemd = analyze('--version').status === 0;
if (!hasSystemd) console.warn('skipped: systemd-analyze is not installed (Debian: apt-get install systemd)');

const unit = readFileSync(UNIT, 'utf8');
const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';

describe('the systemd unit', () => {
  it.skipIf(!hasSystemd)('passes systemd-analyze verify', () => {
    const { status, stderr } = analyze('verify', UNIT);
    expect([status, stderr]).toEqual([0, '']);
  });

  it.skipIf(!hasSystemd)('is hardened', () => {
    const { status, stdout } = analyze(
      'security',
      '--offline=true',
      `--threshold=${MAX_EXPOSURE}`,
      '--no-pager',
      UNIT,
    );
    expect(stdout).toContain('Overall exposure level');
    expect(status).toBe(0);
  });

  it('stops the service later than its grace period ends', () => {
    const grace = loadConfig({}).server.shutdownGraceMs / 1000;
    expect(Number.parseInt(value('TimeoutStopSec'), 10)).toBeGreaterThan(grace + CLEAN_UP);
    expect(value('KillMode')).toBe('mixed');
  });

  it('runs as a user of its own, in the project’s folder, and restarts the service', () => {
    expect(value('User')).toMatch(/^[a-z]+$/);
    expect(value('WorkingDirectory')).toBe('/opt/tiktok-downloader');
    expect(value('Restart')).toBe('on-failure');
    for (const path of value('ReadWritePaths').split(' ')) {
      expect(path).toMatch(/^\/opt\/tiktok-downloader\//);
    }
  });
});

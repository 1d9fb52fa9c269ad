import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { SourcePlanner } from '../../src/extraction/source-planner.ts';
import type { Attempt, SourceId } from '../../src/extraction/sources/meaning.ts';

const TARGETS = [
  'chrome-150:macos-26',
  'chrome-146:macos-26',
  'safari-26.0:macos-26',
  'firefox-147:macos-26',
];

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function planner(options: { egresses?: string[]; changesExits?: boolean; cookiesPath?: string } = {}) {
  const clock = { time: 1_000_000, now: () => clock.time, random: () => 0.5 };
  const made = new SourcePlanner({
    egresses: (options.egresses ?? ['direct']).map((id) => ({
      id,
      changesExits: options.changesExits ?? false,
    })),
    targets: () => TARGETS,
    cookiesPath: options.cookiesPath ?? '/nonexistent',
    clock,
  });
  const attempt = (source: SourceId, outcome: Attempt['outcome'], target?: string): Attempt => ({
    source,
    outcome,
    reason: 'maintenance page',
    ms: 5,
    ...(target !== undefined && { target }),
  });
  /** Plans a job, and lets each planned source end as told; the first one that is not refused ends the job. */
  const job = (outcomes: Partial<Record<SourceId, Attempt['outcome']>>, egress = 'direct') => {
    const plan = made.plan(egress, 'tiktok');
    const attempts: Attempt[] = [];
    for (const source of plan.sources) {
      const outcome = outcomes[source] ?? 'refused';
      attempts.push(attempt(source, outcome));
      if (outcome !== 'refused' && outcome !== 'failed') break;
    }
    made.record(egress, plan, attempts);
    return plan;
  };
  return { made, clock, job, attempt };
}

describe('SourcePlanner', () => {
  it('tries the page first, then the player API, the mobile page and the embed page', () => {
    expect(planner().made.plan('direct', 'tiktok').sources).toEqual(['page', 'player', 'mobile', 'embed']);
  });

  it('skips nothing where refused exits are left: rotating gateways, sessions', () => {
    const { made, job } = planner({ changesExits: true });
    for (let i = 0; i < 30; i += 1) job({ player: 'post' });
    expect(made.plan('direct', 'tiktok').sources).toEqual(['page', 'player', 'mobile', 'embed']);
    expect(made.rank('direct')).toBe(0);
  });

  it('skips a source after three refusals in a row, and only at that egress', () => {
    const { made, job } = planner({ egresses: ['one', 'two'] });
    for (let i = 0; i < 3; i += 1) job({ player: 'post' }, 'one');
    expect(made.plan('one', 'tiktok').sources).toEqual(['player', 'mobile', 'embed']);
    expect(made.plan('two', 'tiktok').sources).toContain('page');
    expect([made.rank('one'), made.rank('two')]).toEqual([1, 0]);
  });

  it('counts one post without data once, whatever the browsers that asked for it', () => {
    const { made, attempt } = planner();
    const tries = [1, 2, 3].map(() => ({ ...attempt('page', 'refused'), reason: 'page without data' }));
    const record = () => made.record('direct', made.plan('direct', 'tiktok'), tries);
    record();
    record();
    expect(made.plan('direct', 'tiktok').sources).toContain('page');
    record();
    expect(made.plan('direct', 'tiktok').sources).not.toContain('page');
  });

  it('remembers that a skipped source could not be read', () => {
    const { made, attempt } = planner();
    const record = () =>
      made.record('direct', made.plan('direct', 'tiktok'), [attempt('page', 'unreadable')]);
    for (let i = 0; i < 3; i += 1) record();
    const plan = made.plan('direct', 'tiktok');
    expect([plan.sources.includes('page'), plan.isUnreadable]).toEqual([false, true]);
    made.reset();
    expect(made.plan('direct', 'tiktok').isUnreadable).toBe(false);
  });

  it('counts refusals from zero after an answer', () => {
    const { made, job } = planner();
    for (const page of ['refused', 'refused', 'verdict', 'refused', 'refused'] as const) {
      job({ page, player: 'post' });
    }
    expect(made.plan('direct', 'tiktok').sources[0]).toBe('page');
  });

  it('probes a skipped source with one job, and uses it again when the probe is answered', () => {
    const { made, job, clock } = planner();
    for (let i = 0; i < 3; i += 1) job({ player: 'post' });
    clock.time += 4000;
    const probe = made.plan('direct', 'tiktok');
    expect([probe.sources[0], probe.probes]).toEqual(['page', ['page']]);
    expect(made.plan('direct', 'tiktok').sources).not.toContain('page');
    made.record('direct', probe, [{ source: 'page', outcome: 'post', reason: '', ms: 3 }]);
    expect(made.plan('direct', 'tiktok').sources[0]).toBe('page');
  });

  it('keeps skipping after a refused probe, and notices an answer within five seconds during the first minute', () => {
    const { made, job, clock } = planner();
    for (let i = 0; i < 3; i += 1) job({ player: 'post' });
    for (let second = 0; second < 55; second += 5) {
      clock.time += 5000;
      expect(job({ player: 'post' }).sources[0]).toBe('page');
      expect(made.plan('direct', 'tiktok').sources[0]).toBe('player');
    }
  });

  it('does not count a probe that was never sent', () => {
    const { made, job, clock } = planner();
    for (let i = 0; i < 3; i += 1) job({ player: 'post' });
    clock.time += 4000;
    const probe = made.plan('direct', 'tiktok');
    made.record('direct', probe, []);
    expect(made.plan('direct', 'tiktok').sources[0]).toBe('page');
  });

  it('starts with the browser that passed last, for an hour', () => {
    const { made, attempt, clock } = planner();
    const first = made.plan('direct', 'tiktok');
    expect(first.targets[0]).toBe('chrome-146:macos-26');
    made.record('direct', first, [
      attempt('page', 'refused', 'chrome-146:macos-26'),
      attempt('page', 'post', 'firefox-147:macos-26'),
    ]);
    expect(made.plan('direct', 'tiktok').targets[0]).toBe('firefox-147:macos-26');
    clock.time += 3_600_001;
    expect(made.plan('direct', 'tiktok').targets[0]).toBe('chrome-146:macos-26');
  });

  it('still plans a job where every source is skipped', () => {
    const { made, job } = planner();
    for (let i = 0; i < 3; i += 1) job({});
    expect(made.plan('direct', 'tiktok').sources).toEqual(['page', 'player']);
  });

  it('tries the operator’s cookies first for Douyin where the file has some', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cookies-'));
    folders.push(folder);
    const cookiesPath = join(folder, 'cookies.txt');
    writeFileSync(cookiesPath, '# Netscape HTTP Cookie File\n.tiktok.com\tTRUE\t/\tTRUE\t0\ta\tb\n');
    const { made } = planner({ cookiesPath });
    expect(made.plan('direct', 'douyin').sources[0]).toBe('douyin-detail');
    writeFileSync(cookiesPath, '# Netscape HTTP Cookie File\n.douyin.com\tTRUE\t/\tTRUE\t0\ta\tb\n\n');
    expect(made.plan('direct', 'douyin').sources[0]).toBe('douyin-cookies');
    rmSync(cookiesPath);
    // May not be looked at, like a file in another user's folder.
    symlinkSync(cookiesPath, cookiesPath);
    expect(made.plan('direct', 'douyin').sources[0]).toBe('douyin-detail');
  });

  it('reports where posts come from and why a source is skipped', () => {
    const { made, job } = planner();
    for (let i = 0; i < 3; i += 1) job({ player: 'post' });
    expect(made.status('direct')).toMatchObject({
      posts_from: { source: 'player' },
      sources: expect.arrayContaining([
        expect.objectContaining({ source: 'page', state: 'blocked', reason: 'maintenance page' }),
      ]),
    });
  });

  it('forgets refusals when another engine is in use, and keeps the ttwid', () => {
    const { made, job } = planner();
    made.setTtwid('direct', 'kept');
    for (let i = 0; i < 3; i += 1) job({ player: 'post' });
    made.reset();
    expect(made.plan('direct', 'tiktok').sources[0]).toBe('page');
    expect(made.ttwid('direct')).toBe('kept');
  });
});

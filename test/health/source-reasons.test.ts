import { describe, expect, it } from 'vitest';
import type { SourceStatus } from '../../src/extraction/source-planner.ts';
import { sourceReasons } from '../../src/health/source-reasons.ts';

const NOON = Date.UTC(2026, 10, 27, 12, 3) / 1000;
const source = (
  name: SourceStatus['source'],
  state: SourceStatus['state'],
  reason: string | null = null,
) => ({
  source: name,
  state,
  since: NOON,
  reason,
  last_answer: null,
});

describe('sourceReasons', () => {
  it('is empty while the page and the player API answer', () => {
    const sources = [source('page', 'ok'), source('player', 'ok'), source('embed', 'blocked', 'HTTP 503')];
    expect(
      sourceReasons([{ egress: 'direct', posts_from: { source: 'page', since: NOON }, sources }]),
    ).toEqual([]);
  });

  it('says where posts come from, since when, why not from the page, and what helps', () => {
    const sources = [source('page', 'blocked', 'maintenance page'), source('player', 'ok')];
    const [reason] = sourceReasons([
      { egress: 'direct', posts_from: { source: 'player', since: NOON }, sources },
    ]);
    expect(reason).toContain('posts come from the player API since 12:03Z');
    expect(reason).toContain('TikTok refuses the page to egress direct since 12:03Z (maintenance page)');
    expect(reason).toContain('PROXY_URLS');
  });

  it('reports a fallback that is broken while the page still answers', () => {
    const sources = [source('page', 'ok'), source('player', 'blocked', 'HTTP 403')];
    const [reason] = sourceReasons([{ egress: 'direct', posts_from: null, sources }]);
    expect(reason).toContain('the player API does not answer egress direct since 12:03Z (HTTP 403)');
  });
});

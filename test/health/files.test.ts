import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FileFault } from '../../src/cdn/index.ts';
import { ServiceError } from '../../src/errors.ts';
import { FileProbe, FileStats } from '../../src/health/index.ts';
import { somePost } from '../cache/sample-post.ts';

const MINUTE = 60_000;

function recording(...faults: (FileFault | null)[]) {
  const stats = new FileStats();
  for (const [index, fault] of faults.entries()) {
    stats.record({ egress: 'direct', via: 'direct', post: `post ${index}`, fault });
  }
  return stats;
}

describe('outcomes of files', () => {
  it('are counted by egress, with the most frequent fault', () => {
    const stats = recording('tls', 'stalled', null, 'stalled');
    stats.record({ egress: 'other', via: 'direct', post: 'a', fault: null });
    expect(stats.summaries()).toMatchObject([
      { egress: 'direct', posts: 4, failed: 3, worst: 'stalled' },
      { egress: 'other', posts: 1, failed: 0, worst: null },
    ]);
  });

  it('name the latest of equally frequent faults', () => {
    expect(recording('refused', 'tls').summaries()).toMatchObject([{ worst: 'tls' }]);
    expect(recording('tls', 'refused', 'refused', 'tls').summaries()).toMatchObject([{ worst: 'tls' }]);
  });

  it('count once for each post: a client that repeats a dead file changes nothing', () => {
    const stats = recording(null, null);
    for (let time = 0; time < 100; time += 1) {
      stats.record({ egress: 'direct', via: 'direct', post: 'dead', fault: 'refused' });
    }
    expect(stats.summaries()).toMatchObject([{ posts: 3, failed: 1 }]);
  });

  it('are forgotten after a quarter of an hour, and all but the last twenty', () => {
    const now = Date.now();
    const stats = new FileStats();
    for (let n = 0; n < 50; n += 1) {
      stats.record({ egress: 'direct', via: 'direct', post: `${n}`, fault: 'tls' }, now);
    }
    expect(stats.summaries(now)).toMatchObject([{ posts: 20, failed: 20 }]);
    expect(stats.summaries(now + 16 * MINUTE)).toMatchObject([{ posts: 0, failed: 0, worst: null }]);
  });

  it('of a probe hold until a file is served', () => {
    const stats = recording('tls');
    stats.probeFailed('direct', 'tls');
    expect(stats.summaries()).toMatchObject([{ probe: 'tls' }]);
    stats.record({ egress: 'direct', via: 'direct', post: 'a', fault: null });
    expect(stats.summaries()).toMatchObject([{ probe: null }]);
  });
});

describe('the probe', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function probing(outcome: () => Promise<unknown>) {
    const stats = new FileStats();
    const openMedia = vi.fn(outcome);
    const probe = new FileProbe({ media: { openMedia: openMedia as never }, stats });
    return { stats, openMedia, probe };
  }
  const refused = () => {
    const cause = Object.assign(new AggregateError([]), { errors: [] });
    return Promise.reject(new ServiceError('timeout', { cause }));
  };

  it('asks for the head of the file of a post of which no client fetches one, once a minute', async () => {
    const { stats, openMedia, probe } = probing(refused);
    for (let n = 0; n < 30; n += 1) probe.sawPost(somePost('1'));
    expect(openMedia).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(openMedia).toHaveBeenCalledOnce();
    const [source, request] = openMedia.mock.calls[0] as unknown as [{ id: string }, { method: string }];
    expect([source.id, request.method]).toEqual(['tiktok:1/video/h264_720p_1200000', 'HEAD']);
    expect(stats.summaries()).toMatchObject([{ egress: 'direct', probe: 'stalled' }]);
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(openMedia).toHaveBeenCalledOnce();
  });

  it('is left out while files are served', async () => {
    const { stats, openMedia, probe } = probing(async () => ({}));
    probe.sawPost(somePost('1'));
    stats.record({ egress: 'direct', via: 'direct', post: 'x', fault: null });
    await vi.advanceTimersByTimeAsync(MINUTE);
    probe.sawPost(somePost('2'));
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(openMedia).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(4 * MINUTE);
    probe.sawPost(somePost('3'));
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(openMedia).toHaveBeenCalledOnce();
  });

  it('says nothing of an extraction that failed, and ends with the service', async () => {
    const { stats, probe, openMedia } = probing(() => Promise.reject(new ServiceError('post_not_found')));
    probe.sawPost(somePost('1'));
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(stats.summaries()).toEqual([]);
    probe.sawPost(somePost('2'));
    probe.stop();
    await vi.advanceTimersByTimeAsync(MINUTE);
    probe.sawPost(somePost('3'));
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(openMedia).toHaveBeenCalledOnce();
  });
});

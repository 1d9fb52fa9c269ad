import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import type { Egress } from '../../src/egress/egress.ts';
import { EgressPool, type JobResult } from '../../src/egress/index.ts';
import { Vpn } from '../../src/egress/vpn.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { Secret } from '../../src/secret.ts';

const PROXIES = ['http://user:pw4711@one:3128', 'socks5://two:1080'];
const log = pino({ level: 'silent' });

/** Egresses that are open, or closed with a code, and a clock that the test moves. */
function world({ proxies = [] as string[], vpn = false, failures = 0 } = {}) {
  let toFail = failures;
  const clock = { time: 1_000_000, now: () => clock.time, random: () => 0.5 };
  const closed = new Map<string, ErrorCode>();
  const asked: string[] = [];
  const reconnected: number[] = [];
  const gluetun = {
    status: async () => 'running',
    publicIp: async () => '192.0.2.1',
    reconnect: async () => {
      reconnected.push(clock.time);
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (toFail-- > 0) throw new Error('control server says 401');
      closed.clear();
    },
  };
  const egresses = new EgressPool({
    proxies: proxies.map((url) => new Secret(url)),
    vpn: vpn ? new Vpn({ gluetun, clock, log }) : null,
    clock,
    log,
  });
  const run = async (egress: Egress): Promise<JobResult> => {
    asked.push(egress.label);
    await new Promise((resolve) => setTimeout(resolve, 1));
    const code = closed.get(egress.label);
    return code ? { ok: false, code } : { ok: true };
  };
  const outcome = (result: JobResult | null) =>
    result === null ? 'blocked' : result.ok ? 'ok' : result.code;
  return {
    clock,
    closed,
    asked,
    reconnected,
    failures: () => toFail,
    egresses,
    states: () => egresses.status.map(({ state }) => state),
    /** A job for an ordinary post. */
    ask: async () => outcome(await egresses.route({ job: run, countsForHealth: true, controlProbe: run })),
    /** A job for a post that TikTok refuses through every egress. */
    askRefusedPost: async () =>
      outcome(
        await egresses.route({
          job: async (egress) => {
            asked.push(egress.label);
            clock.time += 1;
            return { ok: false, code: 'ip_blocked' } as JobResult;
          },
          countsForHealth: true,
          controlProbe: run,
        }),
      ),
    outcome,
  };
}

describe('the egresses', () => {
  it('are one, direct, without proxies', () => {
    const { all } = world().egresses;
    expect(all.map(({ id, label, proxy }) => ({ id, label, proxy }))).toEqual([
      { id: 'direct', label: 'direct', proxy: null },
    ]);
  });

  it('take turns', async () => {
    const { ask, asked } = world({ proxies: PROXIES });
    for (let i = 0; i < 4; i += 1) await ask();
    expect(asked).toEqual(['one:3128', 'two:1080', 'one:3128', 'two:1080']);
  });

  it('have the same ids on every instance, whatever their order', () => {
    const ids = (proxies: string[]) =>
      world({ proxies })
        .egresses.all.map(({ id }) => id)
        .sort();
    expect(ids(PROXIES)).toEqual(ids([...PROXIES].reverse()));
  });

  it('show no credentials', () => {
    const { egresses } = world({ proxies: PROXIES });
    expect(JSON.stringify([egresses.all, egresses.status])).not.toMatch(/user|pw4711/);
  });
});

describe('an egress that TikTok refuses', () => {
  it('is blocked, gets no jobs meanwhile, and tells for how long', async () => {
    const { ask, asked, closed, egresses, clock, states } = world();
    closed.set('direct', 'ip_blocked');
    expect(await ask()).toBe('ip_blocked');
    expect(states()).toEqual(['blocked']);
    asked.length = 0;
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(['blocked', 'blocked', 'blocked']);
    expect(asked).toEqual([]);
    expect(egresses.retryAfter).toBe(3);
    clock.time += 1500;
    expect(egresses.retryAfter).toBe(2);
    expect(egresses.open).toBe(false);
  });

  it('is probed by one job after its pause, and is in use again when that is answered', async () => {
    const { ask, asked, closed, clock, states } = world();
    closed.set('direct', 'ip_blocked');
    await ask();
    closed.clear();
    clock.time += 3000;
    asked.length = 0;
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(['ok', 'blocked', 'blocked']);
    expect(asked).toEqual(['direct']);
    expect(states()).toEqual(['ok']);
    expect(await ask()).toBe('ok');
  });

  it('is blocked for longer each time, up to five minutes', async () => {
    const { ask, closed, clock, egresses } = world();
    closed.set('direct', 'ip_blocked');
    const pauses: number[] = [];
    for (let i = 0; i < 9; i += 1) {
      expect(await ask()).toBe('ip_blocked');
      pauses.push(egresses.retryAfter);
      clock.time += egresses.retryAfter * 1000;
    }
    expect(pauses).toEqual([3, 6, 12, 24, 48, 96, 192, 300, 300]);
  });

  it('stays blocked when the probe has no result', async () => {
    const { ask, closed, clock, states } = world();
    closed.set('direct', 'ip_blocked');
    await ask();
    closed.set('direct', 'timeout');
    clock.time += 3000;
    expect(await ask()).toBe('timeout');
    expect(states()).toEqual(['blocked']);
  });

  it('loses the job to another egress, which then gets all jobs', async () => {
    const { ask, closed, asked, states } = world({ proxies: PROXIES });
    closed.set('one:3128', 'ip_blocked');
    expect(await ask()).toBe('ok');
    expect(states()).toEqual(['blocked', 'ok']);
    asked.length = 0;
    for (let i = 0; i < 4; i += 1) expect(await ask()).toBe('ok');
    expect(new Set(asked)).toEqual(new Set(['two:1080']));
  });

  it('is not blocked for a refused post; one control probe serves many jobs', async () => {
    const { ask, askRefusedPost, asked, states } = world();
    await ask();
    asked.length = 0;
    const ends = await Promise.all([askRefusedPost(), askRefusedPost(), askRefusedPost()]);
    expect(ends).toEqual(['ip_blocked', 'ip_blocked', 'ip_blocked']);
    expect(asked).toHaveLength(3 + 1);
    expect(states()).toEqual(['ok']);
  });
});

describe('a gateway whose exits change', () => {
  const ROTATING = 'http://user:pw4711@gate:3128#rotating';
  const SESSIONS = 'http://user-session-{session}:pw4711@gate:3128';
  const proxyOf = (egress: Egress) => egress.proxy?.reveal() ?? '';

  it('that rotates does not rest: the next try is another exit of it', async () => {
    const { ask, asked, closed, states, egresses } = world({ proxies: [ROTATING] });
    closed.set('gate:3128', 'ip_blocked');
    for (let i = 0; i < 5; i += 1) expect(await ask()).toBe('ip_blocked');
    expect(asked).toHaveLength(10);
    expect(states()).toEqual(['ok']);
    expect(egresses.status).toMatchObject([{ refusals: 10 }]);
    closed.clear();
    expect(await ask()).toBe('ok');
  });

  it('that rotates goes last where there is another proxy', async () => {
    const { ask, asked, closed, states } = world({ proxies: [ROTATING, ...PROXIES] });
    closed.set('gate:3128', 'ip_blocked');
    expect(await ask()).toBe('ok');
    expect(asked).toEqual(['gate:3128', 'one:3128']);
    expect(states()).toEqual(['ok', 'ok', 'ok']);
  });

  it('with sessions keeps one until it is refused, and leaves it once for many jobs', () => {
    const { egresses, clock } = world({ proxies: [SESSIONS] });
    const [egress] = egresses.all;
    const first = egress.proxy;
    expect(proxyOf(egress)).toMatch(/^http:\/\/user-session-[0-9a-f]{8}:pw4711@gate:3128$/);
    const changed = vi.fn();
    egress.onNewExit = changed;
    for (let job = 0; job < 20; job += 1) egress.leaveExit(first);
    expect(changed).toHaveBeenCalledOnce();
    expect(egress.proxy).not.toBe(first);
    expect(proxyOf(egress)).not.toBe(first?.reveal());
    // A post that is always refused takes a session a second at the most.
    for (let job = 0; job < 20; job += 1) egress.leaveExit(egress.proxy);
    expect(changed).toHaveBeenCalledOnce();
    clock.time += 1000;
    egress.leaveExit(egress.proxy);
    expect(changed).toHaveBeenCalledTimes(2);
  });

  it('with sessions tries a refused post once more, with the new session', async () => {
    const { egresses, states } = world({ proxies: [SESSIONS] });
    const used: string[] = [];
    const job = async (egress: Egress): Promise<JobResult> => {
      const { proxy } = egress;
      used.push(proxyOf(egress));
      if (used.length > 1) return { ok: true };
      egress.leaveExit(proxy);
      return { ok: false, code: 'ip_blocked' };
    };
    expect(await egresses.route({ job, countsForHealth: true, controlProbe: null })).toEqual({ ok: true });
    expect(new Set(used).size).toBe(2);
    expect(states()).toEqual(['ok']);
  });

  it('with sessions takes a new one when the CDN refuses it', async () => {
    const { egresses, states } = world({ proxies: [SESSIONS] });
    const [egress] = egresses.all;
    const before = proxyOf(egress);
    for (let i = 0; i < 8; i += 1) {
      const seen = { egress: egress.id, post: `post ${i}`, client: `client ${i}`, status: 403 };
      egresses.sawMedia(seen, async () => false);
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(proxyOf(egress)).not.toBe(before);
    expect(states()).toEqual(['ok']);
  });

  it('rests where nothing gets through the gateway itself', async () => {
    const { ask, closed, egresses } = world({ proxies: [ROTATING, PROXIES[0] ?? ''] });
    closed.set('gate:3128', 'upstream_failed');
    expect(await ask()).toBe('ok');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(egresses.status).toMatchObject([{ state: 'blocked', reason: 'unreachable' }, { state: 'ok' }]);
  });

  it('keeps its id, and shows no password and no session', () => {
    const { egresses } = world({ proxies: [ROTATING, SESSIONS] });
    const again = world({ proxies: [ROTATING, SESSIONS] }).egresses;
    expect(egresses.all.map(({ id }) => id)).toEqual(again.all.map(({ id }) => id));
    expect(JSON.stringify([egresses.all, egresses.status])).not.toMatch(/user|pw4711/);
  });
});

describe('refused media', () => {
  /** Responses of the CDN, and a control that says whether links which worked lately still do. */
  function media(works: boolean | null, options: Parameters<typeof world>[0] = {}) {
    const control = vi.fn(async () => works);
    const { egresses, states, ...rest } = world(options);
    const egress = egresses.all[0].id;
    const see = async (post: string, client: string | null, status = 403) => {
      egresses.sawMedia({ egress, post, client, status }, control);
      await new Promise((resolve) => setImmediate(resolve));
    };
    const refuse = async (posts: number, clients: readonly (string | null)[]) => {
      for (let i = 0; i < posts; i += 1) await see(`post ${i}`, clients[i % clients.length] ?? null);
    };
    return { ...rest, egresses, control, see, refuse, states };
  }

  it('of eight posts and two clients block the egress when the control is refused too', async () => {
    const { refuse, control, egresses } = media(false);
    await refuse(7, ['a', 'b']);
    expect(control).not.toHaveBeenCalled();
    await refuse(8, ['a', 'b']);
    expect(control).toHaveBeenCalledOnce();
    expect(egresses.status).toMatchObject([{ state: 'blocked', reason: 'media_refused' }]);
  });

  it.each<[string, boolean | null]>([
    ['still works', true],
    ['cannot tell', null],
  ])('do not block the egress while the control %s', async (_name, works) => {
    const { refuse, control, states } = media(works, { vpn: true });
    for (let time = 0; time < 3; time += 1) await refuse(8, ['a', 'b']);
    expect(control).toHaveBeenCalledTimes(3);
    expect(states()).toEqual(['ok']);
  });

  it('do not block the egress when the control throws', async () => {
    const { refuse, control, states } = media(false);
    control.mockRejectedValue(new Error('down'));
    await refuse(8, ['a', 'b']);
    expect(states()).toEqual(['ok']);
  });

  it.each<[string, (string | null)[]]>([
    ['one client', ['a']],
    ['no known client', [null]],
    ['one known client', ['a', null]],
  ])('of any number of posts but %s cause no control request', async (_name, clients) => {
    const { refuse, control, states } = media(false);
    await refuse(200, clients);
    expect(control).not.toHaveBeenCalled();
    expect(states()).toEqual(['ok']);
  });

  it('of few posts, any number of times, cause no control request', async () => {
    const { see, control } = media(false);
    for (let i = 0; i < 50; i += 1) await see(`post ${i % 7}`, `client ${i}`);
    expect(control).not.toHaveBeenCalled();
  });

  it('are counted from zero after any other response', async () => {
    const { see, refuse, control } = media(false);
    await refuse(7, ['a', 'b']);
    await see('post 9', 'c', 206);
    await refuse(7, ['a', 'b']);
    expect(control).not.toHaveBeenCalled();
    await see('post 8', 'a');
    expect(control).toHaveBeenCalledOnce();
  });

  it('make the VPN reconnect when the control is refused too', async () => {
    const { refuse, reconnected, states } = media(false, { vpn: true });
    await refuse(8, ['a', 'b']);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(reconnected).toHaveLength(1);
    expect(states()).toEqual(['ok']);
  });
});

describe('a proxy that nothing gets through', () => {
  it('loses its job to another egress, and is blocked once the control probe has failed as well', async () => {
    const { ask, closed, egresses } = world({ proxies: PROXIES });
    closed.set('one:3128', 'upstream_failed');
    expect(await ask()).toBe('ok');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(egresses.status).toMatchObject([{ state: 'blocked', reason: 'unreachable' }, { state: 'ok' }]);
  });

  it('is not blocked while TikTok itself is down', async () => {
    const { ask, closed, states } = world({ proxies: PROXIES });
    for (const label of ['one:3128', 'two:1080']) closed.set(label, 'upstream_failed');
    expect(await ask()).toBe('upstream_failed');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(states()).toEqual(['ok', 'ok']);
  });
});

describe('a VPN', () => {
  it('reconnects once for all jobs that were refused, and runs them again', async () => {
    const { ask, closed, reconnected, egresses } = world({ vpn: true });
    await ask();
    closed.set('direct', 'ip_blocked');
    const ends = await Promise.all(Array.from({ length: 20 }, ask));
    expect(new Set(ends)).toEqual(new Set(['ok']));
    expect(reconnected).toHaveLength(1);
    expect(egresses.status).toMatchObject([{ state: 'ok', reconnects: 1 }]);
  });

  it('is not reconnected again before it has cooled down', async () => {
    const { ask, closed, clock, reconnected, states } = world({ vpn: true });
    closed.set('direct', 'ip_blocked');
    expect(await ask()).toBe('ok');
    closed.set('direct', 'ip_blocked');
    clock.time += 5000;
    expect(await ask()).toBe('ip_blocked');
    expect([reconnected.length, ...states()]).toEqual([1, 'blocked']);
    clock.time += 6000;
    expect(await ask()).toBe('ok');
    expect(reconnected).toHaveLength(2);
  });

  it('is started again after a failed reconnect left it down', async () => {
    const { ask, closed, clock, failures, egresses } = world({ vpn: true, failures: 1 });
    closed.set('direct', 'ip_blocked');
    expect(await ask()).toBe('ip_blocked');
    expect(failures()).toBe(0);
    closed.set('direct', 'upstream_failed');
    clock.time += 10_000;
    expect(await ask()).toBe('ok');
    expect(egresses.status).toMatchObject([{ state: 'ok', reconnects: 1, reconnects_failed: 1 }]);
  });

  it('is left alone after a failed reconnect once something is answered: the tunnel works', async () => {
    const { ask, closed, clock, reconnected, outcome, egresses } = world({ vpn: true, failures: 1 });
    closed.set('direct', 'ip_blocked');
    expect(await ask()).toBe('ip_blocked');
    closed.clear();
    clock.time += 60_000;
    expect(await ask()).toBe('ok');
    for (const code of ['upstream_failed', 'timeout', 'internal'] as const) {
      const job = async (): Promise<JobResult> => ({ ok: false, code });
      const post = { job, countsForHealth: true, controlProbe: null };
      expect(outcome(await egresses.route(post))).toBe(code);
    }
    expect(reconnected).toHaveLength(1);
  });

  it('is left alone where one post says that the country is not served, and another was answered meanwhile', async () => {
    const { ask, clock, reconnected, egresses, states } = world({ vpn: true });
    const job = async (): Promise<JobResult> => {
      clock.time += 1;
      await ask();
      return { ok: false, code: 'region_blocked', country: true };
    };
    await egresses.route({ job, countsForHealth: true, controlProbe: null });
    expect([reconnected.length, ...states()]).toEqual([0, 'ok']);
  });

  it('leaves the jobs refused when it cannot be reconnected', async () => {
    const { ask, closed, egresses } = world({ vpn: true, failures: 1 });
    closed.set('direct', 'ip_blocked');
    expect(await ask()).toBe('ip_blocked');
    expect(await ask()).toBe('blocked');
    expect(egresses.status).toMatchObject([{ state: 'blocked', reconnects: 0, reconnects_failed: 1 }]);
  });
});

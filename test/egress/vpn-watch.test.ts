import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { VpnWatch } from '../../src/egress/vpn-watch.ts';

/** A control server with a status, or none; a network, or none; and a clock that the test moves. */
function world() {
  const state = {
    status: 'running' as string | null,
    address: '192.0.2.1',
    network: true,
    reconnecting: false,
    time: 1_000_000,
    ended: false,
  };
  const read = async <T>(value: T): Promise<T> => {
    if (state.status === null) throw new Error('no answer from the control server');
    return value;
  };
  const watch = new VpnWatch({
    gluetun: { status: () => read(state.status ?? ''), publicIp: () => read(state.address) },
    isReconnecting: () => state.reconnecting,
    hasNetwork: () => state.network,
    clock: { now: () => state.time, random: () => 0.5 },
    log: pino({ level: 'silent' }),
  });
  void watch.gone.then(() => {
    state.ended = true;
  });
  /** A look now, and one every five seconds for as long as it says. */
  const pass = async (seconds: number) => {
    await watch.look();
    for (let passed = 5; passed <= seconds; passed += 5) {
      state.time += 5000;
      await watch.look();
    }
    await Promise.resolve();
  };
  return { state, watch, pass };
}

describe('the watch over the VPN', () => {
  it('has nothing to say of a tunnel that runs, and knows its latest address', async () => {
    const { state, watch, pass } = world();
    expect(watch.problem).toBeNull();
    await pass(60);
    expect([watch.problem, watch.publicIp]).toEqual([null, '192.0.2.1']);
    state.address = '192.0.2.2';
    await pass(5);
    expect(watch.publicIp).toBe('192.0.2.2');
    state.address = '';
    await pass(5);
    expect([watch.problem, watch.publicIp]).toEqual([null, null]);
  });

  it('says that the VPN is stopped, other than by the service', async () => {
    const { state, watch, pass } = world();
    state.status = 'stopped';
    await pass(0);
    expect(watch.problem).toBe('the VPN is stopped');
    state.reconnecting = true;
    expect(watch.problem).toBeNull();
  });

  it('takes a restart of gluetun in its own network for what it is', async () => {
    const { state, watch, pass } = world();
    await pass(0);
    state.status = null;
    await pass(10);
    expect(watch.problem).toBeNull();
    await pass(600);
    expect(watch.problem).toBe('the VPN cannot be watched: no answer from the control server');
    expect([watch.isNetworkGone, state.ended]).toEqual([false, false]);
    state.status = 'running';
    await pass(0);
    expect(watch.problem).toBeNull();
  });

  it('notices at once that the network is gone, and ends the service within a minute', async () => {
    const { state, watch, pass } = world();
    await pass(0);
    state.status = null;
    state.network = false;
    await pass(0);
    expect(watch.isNetworkGone).toBe(true);
    expect(watch.problem).toMatch(/^the network is gone/);
    await pass(25);
    expect(state.ended).toBe(false);
    await pass(25);
    expect(state.ended).toBe(true);
  });

  it('does not end a service that has only the loopback while the control server answers', async () => {
    const { state, watch, pass } = world();
    state.network = false;
    await pass(600);
    expect([watch.isNetworkGone, watch.problem, state.ended]).toEqual([false, null, false]);
  });
});

import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Secret } from '../secret.ts';

/** Stopping waits for the tunnel's end; 3.41 answers within a second or two. */
const REQUEST_LIMIT_MS = 10_000;

/** A new tunnel is up after 2-15 s; a provider that takes longer than this is down. */
const CONNECT_LIMIT_MS = 40_000;

const POLL_MS = 250;

/** For one connection through the tunnel, to see whether it carries anything. */
const ANSWER_LIMIT_MS = 5000;

/** One lost request must not leave the tunnel stopped. */
const START_TRIES = 5;
const START_PAUSE_MS = 1000;

const publicIp = z.object({ public_ip: z.string() });
const vpnStatus = z.object({ status: z.string() });

/** A host and a port. */
export type Target = readonly [host: string, port: number];

/** The control server refused or failed. Its message names no credential. */
export class ControlFailure extends Error {
  override name = 'ControlFailure';
}

/** gluetun's HTTP control server (3.41): the VPN stopped, started, its status, and its public address. */
export class Gluetun {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #targets: readonly Target[];

  /**
   * @param url of the control server, without a slash at its end
   * @param targets of these, one answers through a tunnel that works
   */
  constructor(url: string, apiKey: Secret | null, targets: readonly Target[]) {
    this.#url = url;
    this.#headers = { 'content-type': 'application/json', ...(apiKey && { 'x-api-key': apiKey.reveal() }) };
    this.#targets = targets;
  }

  /** `running` while there is a tunnel, which need not carry anything yet. @throws ControlFailure */
  async status(): Promise<string> {
    return (await this.#read('/v1/vpn/status', vpnStatus)).status;
  }

  /** Empty without a tunnel, and as long as gluetun cannot find it out. @throws ControlFailure */
  async publicIp(): Promise<string> {
    return (await this.#read('/v1/publicip/ip', publicIp)).public_ip;
  }

  /**
   * Takes the VPN down and up again; resolves when something answers through the new tunnel.
   * @throws ControlFailure
   */
  async reconnect(): Promise<void> {
    await this.#call('PUT', '/v1/vpn/status', { status: 'stopped' });
    await this.#start();
    const deadline = Date.now() + CONNECT_LIMIT_MS;
    while (!(await this.#isUp())) {
      if (Date.now() >= deadline) throw new ControlFailure('the VPN did not come up again');
      await sleep(POLL_MS);
    }
  }

  async #isUp(): Promise<boolean> {
    const status = await this.status().catch(() => null);
    return status === 'running' && (await anyAnswers(this.#targets));
  }

  async #start(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#call('PUT', '/v1/vpn/status', { status: 'running' });
        return;
      } catch (error) {
        if (attempt >= START_TRIES) throw error;
        await sleep(START_PAUSE_MS);
      }
    }
  }

  async #read<T>(path: string, shape: z.ZodType<T>): Promise<T> {
    const parsed = shape.safeParse(await this.#call('GET', path));
    if (!parsed.success) throw new ControlFailure(`unreadable response to ${path}`);
    return parsed.data;
  }

  async #call(method: 'GET' | 'PUT', path: string, body?: object): Promise<unknown> {
    let response: Response;
    try {
      response = await fetch(`${this.#url}${path}`, {
        method,
        headers: this.#headers,
        signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
        redirect: 'error',
        ...(body && { body: JSON.stringify(body) }),
      });
      if (response.ok) return await response.json();
      await response.body?.cancel();
    } catch (cause) {
      throw new ControlFailure('no answer from the control server', { cause });
    }
    const hint = response.status === 401 || response.status === 403 ? ': is GLUETUN_API_KEY right?' : '';
    throw new ControlFailure(`the control server answers ${response.status}${hint}`);
  }
}

async function anyAnswers(targets: readonly Target[]): Promise<boolean> {
  return Promise.any(targets.map(reach)).then(
    () => true,
    () => false,
  );
}

/** Opens a connection and closes it. @throws where there is none in time */
async function reach([host, port]: Target): Promise<void> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
  } finally {
    socket.on('error', () => {}).destroy();
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Secret } from '../secret.ts';

/** Stopping waits for the tunnel's end; 3.41 answers within a second or two. */
const REQUEST_LIMIT_MS = 10_000;

/** A new tunnel is up after 2-15 s; a provider that takes longer than this is down. */
const CONNECT_LIMIT_MS = 40_000;

const POLL_MS = 250;

/** The old address may be reported for a moment after the new tunnel is up. After this time it is the new one, too. */
const SAME_ADDRESS_MS = 3000;

/** One lost request must not leave the tunnel stopped. */
const START_TRIES = 5;
const START_PAUSE_MS = 1000;

const publicIp = z.object({ public_ip: z.string() });

/** The control server refused or failed. Its message names no credential. */
export class ControlFailure extends Error {
  override name = 'ControlFailure';
}

/** gluetun's HTTP control server (3.41): the VPN stopped, started, and its public address. */
export class Gluetun {
  readonly #url: string;
  readonly #headers: Record<string, string>;

  /** @param url of the control server, without a slash at its end */
  constructor(url: string, apiKey: Secret | null) {
    this.#url = url;
    this.#headers = { 'content-type': 'application/json', ...(apiKey && { 'x-api-key': apiKey.reveal() }) };
  }

  /** Empty while there is no tunnel. @throws ControlFailure */
  async publicIp(): Promise<string> {
    const response = await this.#call('GET', '/v1/publicip/ip');
    const parsed = publicIp.safeParse(response);
    if (!parsed.success) throw new ControlFailure('unreadable response about the public address');
    return parsed.data.public_ip;
  }

  /**
   * Takes the VPN down and up again; resolves with its public address once it has one.
   * @param former the address so far; waits up to SAME_ADDRESS_MS for another one
   * @throws ControlFailure
   */
  async reconnect(former: string | null): Promise<string> {
    await this.#call('PUT', '/v1/vpn/status', { status: 'stopped' });
    await this.#start();
    const began = Date.now();
    for (;;) {
      const address = await this.publicIp().catch(() => '');
      const age = Date.now() - began;
      if (address !== '' && (address !== former || age >= SAME_ADDRESS_MS)) return address;
      if (age >= CONNECT_LIMIT_MS) throw new ControlFailure('the VPN did not come up again');
      await sleep(POLL_MS);
    }
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

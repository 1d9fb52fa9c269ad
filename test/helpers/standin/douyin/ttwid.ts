import { randomBytes } from 'node:crypto';
import { type Answer, answer, type Exchange } from '../delivery.ts';
import { digest, type Signer } from '../signing.ts';

/** One registration. */
export interface Registration {
  value: string;
  /** The proxy port's index and the user of the proxy's credentials. */
  proxy: number;
  identity: string | null;
}

/** The cookies `ttwid` that this stand-in gave out: only these count, a forged one is none (measured, R26). */
export class Ttwids {
  #signer: Signer;
  #generation = 1;
  readonly registrations: Registration[] = [];

  constructor(signer: Signer) {
    this.#signer = signer;
  }

  /** Ends the life of all that were given out so far. */
  expireAll(): void {
    this.#generation += 1;
  }

  isValid(value: string | undefined): boolean {
    const [version, nonce, time, seal] = decodeURIComponent(value ?? '').split('|');
    return version === '1' && seal !== undefined && seal === this.#seal(nonce ?? '', time ?? '');
  }

  /** `POST ttwid.bytedance.com/ttwid/union/register/`: the value is in Set-Cookie (eight readers). */
  register(exchange: Exchange, body: string): Answer {
    const json = { 'content-type': 'application/json; charset=utf-8' };
    let wanted: unknown;
    try {
      wanted = JSON.parse(body);
    } catch {
      wanted = null;
    }
    const { aid, service } = (wanted ?? {}) as { aid?: unknown; service?: unknown };
    if (exchange.request.method !== 'POST' || typeof aid !== 'number' || typeof service !== 'string') {
      return answer(200, JSON.stringify({ status_code: 1105, message: 'invalid parameter' }), json);
    }
    const nonce = randomBytes(32).toString('base64url');
    const time = String(Math.floor(Date.now() / 1000));
    const value = encodeURIComponent(`1|${nonce}|${time}|${this.#seal(nonce, time)}`);
    const { proxy, identity } = exchange.entry;
    this.registrations.push({ value, proxy, identity });
    const callback = `https://www.ixigua.com/ttwid/callback?ttwid=${encodeURIComponent(value)}`;
    return answer(200, JSON.stringify({ status_code: 0, message: '', redirect_url: callback }), {
      ...json,
      'set-cookie': `ttwid=${value}; Path=/; Domain=bytedance.com; Max-Age=31536000; HttpOnly; Secure; SameSite=None`,
    });
  }

  #seal(nonce: string, time: string): string {
    const half = (part: string) =>
      digest(this.#signer.sign(part, nonce, time, String(this.#generation))).toString('hex');
    return half('a') + half('b');
  }
}

import { createHash } from 'node:crypto';
import type { Secret } from '../secret.ts';

/** A way out of this machine: straight, or through a proxy. */
export interface Egress {
  /** The same for the same proxy on every instance: links carry it. */
  id: string;
  /** Host and port, without credentials: for logs and health. */
  label: string;
  proxy: Secret | null;
}

/** The ways out, and whose turn is next. */
export class Egresses {
  readonly all: readonly [Egress, ...Egress[]];
  #next = 0;

  constructor(proxies: readonly Secret[]) {
    const [first, ...others] = proxies.map(proxyEgress);
    this.all = first ? [first, ...others] : [{ id: 'direct', label: 'direct', proxy: null }];
  }

  pick(): Egress {
    const egress = this.all[this.#next % this.all.length] ?? this.all[0];
    this.#next = (this.#next + 1) % this.all.length;
    return egress;
  }

  /** The egress of that id, or any where this instance has no such one (any more). */
  byId(id: string): Egress {
    return this.all.find((egress) => egress.id === id) ?? this.pick();
  }
}

function proxyEgress(proxy: Secret): Egress {
  const url = proxy.reveal();
  const id = createHash('sha256').update(url).digest('base64url').slice(0, 6);
  return { id, label: new URL(url).host, proxy };
}

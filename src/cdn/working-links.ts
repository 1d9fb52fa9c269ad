import { linkExpiry } from '../posts/expiry.ts';
import type { MediaSource } from './source.ts';

export interface WorkingLink {
  link: string;
  source: MediaSource;
}

/** Links kept for each egress, one of each client, so that no client alone decides what counts as working. */
const CLIENTS_PER_EGRESS = 4;

/** Links that served media lately, by egress: requesting them again shows whether the CDN still accepts the egress. */
export class WorkingLinks {
  /** By egress, then by client; in order of use. */
  readonly #links = new Map<string, Map<string, WorkingLink>>();

  add(client: string, working: WorkingLink): void {
    const { egress } = working.source;
    const links = this.#links.get(egress) ?? new Map<string, WorkingLink>();
    this.#links.set(egress, links);
    links.delete(client);
    links.set(client, working);
    for (const oldest of links.keys()) {
      if (links.size <= CLIENTS_PER_EGRESS) break;
      links.delete(oldest);
    }
  }

  /** Links of the egress that have not expired, the latest first; null where none has ever worked. */
  of(egress: string): WorkingLink[] | null {
    const links = this.#links.get(egress);
    return links ? [...links.values()].filter(({ link }) => !isExpired(link)).reverse() : null;
  }
}

function isExpired(link: string): boolean {
  const expiry = linkExpiry(link);
  return expiry !== null && expiry <= Date.now();
}

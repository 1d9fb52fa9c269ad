import type { Readable } from 'node:stream';

/** Totals since the start. */
export interface RelayStats {
  /** Bytes of media received, for clients and for renders. */
  bytes: number;
  /** Bodies under way now, and all there ever were. */
  active: number;
  opened: number;
  /** Bodies that ended before they were whole, because the client left or because the CDN failed. */
  brokenByClient: number;
  brokenByCdn: number;
  /** Times a body that broke went on from another response. */
  resumes: number;
  /** Extractions because no link of a file worked any more. */
  renewals: number;
}

export class RelayCounts implements RelayStats {
  bytes = 0;
  active = 0;
  opened = 0;
  brokenByClient = 0;
  brokenByCdn = 0;
  resumes = 0;
  renewals = 0;

  /** Counts a body, now and when it ends. @param signal aborts when its client is gone */
  follow(body: Readable, signal: AbortSignal): void {
    this.opened += 1;
    this.active += 1;
    body.once('close', () => {
      this.active -= 1;
      if (body.readableEnded) return;
      // Buffered bytes at the end mean that the client had stopped reading.
      const byCdn = body.errored && !signal.aborted && body.readableLength === 0;
      if (byCdn) this.brokenByCdn += 1;
      else this.brokenByClient += 1;
    });
  }
}

import { Counter, Gauge, type Registry } from 'prom-client';

/** Prefix of the service's own metrics; prom-client's have `process_` and `nodejs_`. */
export const PREFIX = 'tiktok_';

/** A value with its labels. */
export type Sample<L extends string> = readonly [labels: Record<L, string>, value: number];

interface Description<L extends string> {
  name: string;
  help: string;
  labels?: readonly L[];
}

type Samples<L extends string> = number | readonly Sample<L>[];

/** Registers a gauge whose value is read at each scrape. */
export function readGauge<L extends string = never>(
  registry: Registry,
  { name, help, labels = [] }: Description<L>,
  read: () => Samples<L> | Promise<Samples<L>>,
): void {
  new Gauge<L>({
    name: PREFIX + name,
    help,
    labelNames: labels,
    registers: [registry],
    async collect() {
      const now = await read();
      if (typeof now === 'number') return this.set(now);
      this.reset();
      // A reset gauge without labels is 0, which would pass for a value.
      if (labels.length === 0) this.remove();
      for (const [given, value] of now) this.set(given, value);
    },
  });
}

/** Registers a counter whose value is read at each scrape; its owner counts from the start of the service. */
export function readCounter<L extends string = never>(
  registry: Registry,
  { name, help, labels = [] }: Description<L>,
  read: () => Samples<L>,
): void {
  new Counter<L>({
    name: PREFIX + name,
    help,
    labelNames: labels,
    registers: [registry],
    collect() {
      const now = read();
      this.reset();
      if (typeof now === 'number') return this.inc(now);
      for (const [given, value] of now) this.inc(given, value);
    },
  });
}

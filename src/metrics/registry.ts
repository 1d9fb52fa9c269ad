import { Counter, Gauge, type Registry } from 'prom-client';

/** All our names begin with it; prom-client's own (`process_…`, `nodejs_…`) are the same in every Node program. */
export const PREFIX = 'tiktok_';

/** A value with its labels, as read at the time of the scrape. */
export type Sample<L extends string> = readonly [labels: Record<L, string>, value: number];

interface Description<L extends string> {
  name: string;
  help: string;
  labels?: readonly L[];
}

type Samples<L extends string> = number | readonly Sample<L>[];

/** Registers a gauge that is read where its value is kept, when somebody asks. */
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
      for (const [given, value] of now) this.set(given, value);
    },
  });
}

/** The same for what only grows; it is counted by its owner, from the start of the service. */
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

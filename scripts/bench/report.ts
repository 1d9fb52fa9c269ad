/** Figures for people: tables in Markdown, numbers with as many digits as they deserve, targets. */

/** What a part of the benchmark returns. */
export interface Part {
  figures: object;
  targets: Target[];
}

export interface Target {
  target: string;
  measured: string;
  reached: boolean;
}

export function atLeast(target: string, value: number, wanted: number): Target {
  return { target: `at least ${target}`, measured: round(value), reached: value >= wanted };
}

export function atMost(target: string, value: number, wanted: number): Target {
  return { target: `at most ${target}`, measured: round(value), reached: value <= wanted };
}

export function printTargets(targets: readonly Target[]): void {
  const rows = targets.map(({ target, measured, reached }) => [target, measured, reached ? 'yes' : 'NO']);
  printTable('Targets (medians)', ['target', 'measured', 'reached'], rows);
}

export function printTable(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = `|${head.map(() => '---').join('|')}|`;
  process.stdout.write(`\n${title}\n\n${[line(head), rule, ...rows.map(line)].join('\n')}\n`);
}

/** Three significant digits, or all before the point. */
export function round(value: number): string {
  if (Number.isNaN(value)) return '-';
  if (Number.isInteger(value)) return String(value);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toFixed(Math.min(digits, 2));
}

export interface Spread {
  min: number;
  median: number;
  max: number;
  /** In the order of the rounds. */
  rounds: readonly number[];
}

export function spread(rounds: readonly number[]): Spread {
  const sorted = [...rounds].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const half = (sorted.length - 1) / 2;
  return {
    min: at(0),
    median: (at(Math.floor(half)) + at(Math.ceil(half))) / 2,
    max: at(sorted.length - 1),
    rounds,
  };
}

/** `12 (10-15)`; the median alone where there was one round. */
export function shown({ min, median, max, rounds }: Spread): string {
  return rounds.length > 1 ? `${round(median)} (${round(min)}-${round(max)})` : round(median);
}

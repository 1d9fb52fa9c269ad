// @ts-check

/** A failure that a person can do something about: its message is the one line that is printed. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';
}

/**
 * Says that a step is done. Steps that had nothing to do say nothing.
 * @param {string} line
 */
export function report(line) {
  process.stdout.write(`set-up: ${line}\n`);
}

/**
 * Says that something is missing which the service can live without.
 * @param {string} line
 */
export function warn(line) {
  process.stderr.write(`set-up: warning: ${line}\n`);
}

// @ts-check

/** A failure that the user can fix: its message is printed without a stack. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';
}

/**
 * Reports a step that did something.
 * @param {string} line
 */
export function report(line) {
  process.stdout.write(`set-up: ${line}\n`);
}

/**
 * Reports that something optional is missing.
 * @param {string} line
 */
export function warn(line) {
  process.stderr.write(`set-up: warning: ${line}\n`);
}

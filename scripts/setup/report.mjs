// @ts-check
import { existsSync } from 'node:fs';

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

/**
 * The line to type for what is missing. Set-up itself changes nothing outside the project's folder.
 * @param {string} debian package names for apt-get
 * @param {string} others in words, for other systems
 */
export function howToInstall(debian, others) {
  return existsSync('/etc/debian_version') ? `sudo apt-get install ${debian}` : others;
}

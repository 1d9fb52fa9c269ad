// @ts-check
import { SetupError } from './report.mjs';

const OLDEST = /** @type {const} */ ([20, 19]);

/**
 * @param {string} version such as `20.19.0`
 * @throws {SetupError} when this Node is too old for the service
 */
export function checkNode(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new SetupError(
    `Node ${version} is too old: install Node ${OLDEST.join('.')} or newer (https://nodejs.org), then run this again.`,
  );
}

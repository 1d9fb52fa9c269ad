// @ts-check
import { existsSync } from 'node:fs';

/**
 * The line to type for what is missing. Set-up itself changes nothing outside the project's folder.
 * @param {string} debian package names for apt-get
 * @param {string} others in words, for other systems
 */
export function howToInstall(debian, others) {
  return existsSync('/etc/debian_version') ? `sudo apt-get install ${debian}` : others;
}

// @ts-check
import { SetupError } from './report.mjs';

const OLDEST = /** @type {const} */ ([20, 19]);

/** Architectures of 32 bits: sharp, curl_cffi or ffmpeg have nothing for them. */
const BITS_32 = ['arm', 'ia32', 'mips', 'mipsel', 'ppc', 's390'];

/**
 * @param {string} version such as `20.19.0`
 * @param {{ platform: string, arch: string }} machine as Node names them
 * @throws {SetupError} in words, where the service cannot run here
 */
export function checkNode(version, { platform, arch }) {
  if (platform === 'win32') {
    throw new SetupError(
      'Windows is not supported itself: use WSL (https://aka.ms/wsl) or Docker Desktop there.',
    );
  }
  if (BITS_32.includes(arch)) {
    throw new SetupError(
      `This Node is a 32-bit program (${arch}): a 64-bit system is needed, x64 or arm64 (on a Raspberry Pi its 64-bit image).`,
    );
  }
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new SetupError(
    `Node ${version} is too old: install Node ${OLDEST.join('.')} or newer (https://nodejs.org), then run this again.`,
  );
}

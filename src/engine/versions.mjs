// @ts-check

/**
 * Orders yt-dlp versions, which are dates: `2026.08.19`, on PyPI `2026.8.19`; nightly `2026.08.19.232811`, on PyPI
 * `2026.8.19.232811.dev0`.
 * @param {string} a
 * @param {string} b
 * @returns {number} negative when a is older
 */
export function compareVersions(a, b) {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** @param {string} version */
const numbersOf = (version) => version.split(/[^0-9]+/).map(Number);

/**
 * Whether a list has a version, in either notation.
 * @param {string} version
 * @param {readonly { version: string }[]} list
 */
export function hasVersion(version, list) {
  return list.some((one) => compareVersions(one.version, version) === 0);
}

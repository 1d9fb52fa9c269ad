/**
 * Orders yt-dlp's versions, which are dates: `2026.08.19`, in packages `2026.8.19`, nightly `2026.08.19.232811`, in
 * packages `2026.8.19.232811.dev0`. Set-up has the same in scripts/setup/engine/probe.mjs: it runs before the build.
 * @returns negative when a is the older
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbersOf(version: string): number[] {
  return version.split(/[^0-9]+/).map(Number);
}

/** Whether a version is in a list, however each of the two is written. */
export function hasVersion(version: string, list: readonly { version: string }[]): boolean {
  return list.some((one) => compareVersions(one.version, version) === 0);
}

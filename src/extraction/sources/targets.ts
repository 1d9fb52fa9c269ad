/** One browser as yt-dlp names it: `chrome-146:macos-26`. */
interface Target {
  name: string;
  family: string;
  version: number;
  os: string;
}

/** Major versions between the newest Chrome and the older one that is tried before it. */
const OLDER_BY = 4;

/**
 * Browsers to impersonate for a desktop page, of different families and ages, out of what is installed. What TikTok
 * refuses is a moving window of browser versions for each address (yt-dlp#17403, #17604), so neighbours are useless.
 */
export function desktopTargets(available: readonly string[]): string[] {
  const all = available.map(parse).filter((target) => target.os !== 'ios' && target.os !== 'android');
  const chrome = newestFirst(all, 'chrome');
  const newest = chrome[0]?.version ?? 0;
  const older = chrome.find(({ version }) => version <= newest - OLDER_BY);
  const oldest = chrome.find(({ version }) => version <= newest - 4 * OLDER_BY);
  const [safari] = newestFirst(all, 'safari');
  const [firefox] = newestFirst(all, 'firefox');
  const chosen = [older, safari, chrome[0], firefox, oldest].flatMap((target) => target?.name ?? []);
  return [...new Set(chosen)];
}

/** The phone for the mobile page; null where none can be impersonated. */
export function mobileTarget(available: readonly string[]): string | null {
  const phones = available.map(parse).filter(({ os }) => os === 'ios' || os === 'android');
  return (newestFirst(phones, 'safari')[0] ?? newestFirst(phones, 'chrome')[0])?.name ?? null;
}

function parse(name: string): Target {
  const [browser = '', system = ''] = name.split(':');
  const [family = '', version = ''] = browser.split('-');
  return { name, family, version: Number.parseFloat(version) || 0, os: system.split('-')[0] ?? '' };
}

function newestFirst(targets: readonly Target[], family: string): Target[] {
  return targets.filter((one) => one.family === family).sort((a, b) => b.version - a.version);
}

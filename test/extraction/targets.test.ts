import { describe, expect, it } from 'vitest';
import { desktopTargets, mobileTarget } from '../../src/extraction/sources/targets.ts';

/** What curl_cffi 0.16 offers through yt-dlp 2026.10, in yt-dlp's order. */
const AVAILABLE = [
  'chrome-150:macos-26',
  'chrome-146:macos-26',
  'chrome-145:macos-26',
  'chrome-142:macos-26',
  'chrome-131:macos-14',
  'chrome-99:windows-10',
  'safari-26.0.1:macos-26',
  'safari-18.4:macos-15',
  'firefox-147:macos-26',
  'firefox-133:macos-14',
  'edge-101:windows-10',
  'chrome-131:android-14',
  'safari-26.0:ios-26.0',
];

describe('desktopTargets', () => {
  it('chooses browsers of different families and ages, an older Chrome before the newest', () => {
    expect(desktopTargets(AVAILABLE)).toEqual([
      'chrome-146:macos-26',
      'safari-26.0.1:macos-26',
      'chrome-150:macos-26',
      'firefox-147:macos-26',
      'chrome-131:macos-14',
    ]);
  });

  it('uses what is installed when that is less', () => {
    expect(desktopTargets(['chrome-120:macos-14'])).toEqual(['chrome-120:macos-14']);
    expect(desktopTargets([])).toEqual([]);
  });
});

describe('mobileTarget', () => {
  it('prefers an iPhone, then any phone', () => {
    expect(mobileTarget(AVAILABLE)).toBe('safari-26.0:ios-26.0');
    expect(mobileTarget(['chrome-131:android-14'])).toBe('chrome-131:android-14');
    expect(mobileTarget(['chrome-150:macos-26'])).toBeNull();
  });
});

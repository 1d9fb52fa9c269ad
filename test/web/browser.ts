import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A browser of the system: playwright-core brings none, and nothing is downloaded for the tests. */
export const CHROMIUM = process.env.CHROMIUM_PATH ?? PLACES.find((path) => existsSync(path));

export const WITHOUT_CHROMIUM = 'no Chromium: install one, or name it in CHROMIUM_PATH';

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 900 };

/** What every flow and every failure has to work on. */
export const SIZES: [string, BrowserContextOptions][] = [
  ['a desktop', { viewport: DESKTOP }],
  ['a phone', { viewport: PHONE, isMobile: true, hasTouch: true }],
];

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Services of the tests listen on loopback addresses only; no name is looked up, no vendor asked.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM ?? '', args: ARGUMENTS });
}

/** A visitor of his own: English and light unless told otherwise. */
export function visitor(browser: Browser, options: BrowserContextOptions = {}): Promise<BrowserContext> {
  return browser.newContext({
    viewport: DESKTOP,
    locale: 'en-US',
    colorScheme: 'light',
    reducedMotion: 'reduce',
    acceptDownloads: true,
    ...options,
  });
}

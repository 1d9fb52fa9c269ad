import { keyField } from './access.ts';
import type { Failure } from './api.ts';
import { h, icon, refresh } from './dom.ts';
import type { Code } from './lang/en.ts';
import { format, t } from './language.ts';

/** What can be done next. The first one offered helps most. */
type Step = 'retry' | 'again' | 'other' | 'original' | 'copy';

/** All others can only be retried. */
const STEPS: Partial<Record<Code, Step[]>> = {
  invalid_request: ['other'],
  unsupported_url: ['other'],
  link_invalid: ['again'],
  link_expired: ['again'],
  not_a_photo_post: ['again'],
  post_not_found: ['other'],
  post_private: ['original', 'other'],
  login_required: ['original', 'other'],
  douyin_login: ['original', 'other'],
  not_allowed: ['other'],
  region_blocked: ['original', 'other'],
  extractor_outdated: ['copy', 'retry'],
  render_failed: ['retry', 'copy'],
  internal: ['retry', 'copy'],
};

/** Seconds to the first retry of what waiting alone mends, where the service names none; they double each time. */
const WAIT: Partial<Record<Code, number>> = { busy: 5, unreachable: 5, rate_limited: 30, ip_blocked: 30 };
const LONGEST_WAIT = 300;
/** The page stops retrying by itself after as many attempts. */
const MAX_ATTEMPTS = 10;
/** Longer waits are told in minutes. */
const MINUTES_FROM = 120;

export interface Recovery {
  /** Does again what failed. */
  retry: (attempt: number) => void;
  /** Requests the whole post again. */
  again: () => void;
  /** Back to the field; null where other links are on show. */
  other: (() => void) | null;
  /** Address of the post on its platform, where it is known. */
  original: string | null;
  platform: 'tiktok' | 'douyin';
  /** Retries so far that nobody asked for. */
  attempt: number;
}

/** Shows a failure with its next steps in `slot`. @returns what removes it and stops its countdown */
export function showProblem(slot: HTMLElement, failure: Failure, recovery: Recovery): () => void {
  // The service's own login wall of Douyin is its missing cookie.
  const code =
    failure.code === 'login_required' && recovery.platform === 'douyin' ? 'douyin_login' : failure.code;
  const words = (index: 0 | 1) => () => format(t.errors[code][index], { platform: t[recovery.platform] });
  const away = new AbortController();
  const dismiss = () => {
    away.abort();
    slot.replaceChildren();
  };
  const tryAgain = (attempt: number) => {
    dismiss();
    recovery.retry(attempt);
  };
  const seconds = waitingTime(failure, recovery.attempt);
  let waiting = seconds !== null;
  const clock =
    seconds === null ? null : countdown(seconds, away.signal, () => tryAgain(recovery.attempt + 1));
  const button = (text: () => string, press: () => void) => h('button', { click: press }, text);
  const details = h(
    'p',
    { class: 'details', dir: 'ltr' },
    failure.code,
    failure.requestId && ` · ${failure.requestId}`,
  );
  let copied = false;
  const make: Record<Step, () => HTMLElement | null> = {
    retry: () =>
      button(
        () => (waiting ? t.now : t.retry),
        () => tryAgain(0),
      ),
    again: () => button(() => t.again, recovery.again),
    other: () =>
      recovery.other &&
      button(
        () => t.other,
        () => {
          dismiss();
          recovery.other?.();
        },
      ),
    original: () =>
      recovery.original === null
        ? null
        : h(
            'a',
            { class: 'button', href: recovery.original, target: '_blank', rel: 'noreferrer' },
            () => t.original,
          ),
    copy: () =>
      button(
        () => (copied ? t.copied : t.copy),
        async () => {
          copied = await copy(details, `${failure.code} ${failure.requestId} ${new Date().toISOString()}`);
          refresh();
        },
      ),
  };
  const buttons = (STEPS[code] ?? (['retry'] as const))
    .map((name) => make[name]())
    .filter((one) => one !== null);
  buttons[0]?.classList.add('primary');
  const stop =
    clock &&
    button(
      () => t.stop,
      () => {
        away.abort();
        waiting = false;
        clock.remove();
        stop?.remove();
        refresh();
        buttons[0]?.focus();
      },
    );
  if (code === 'offline') {
    window.addEventListener('online', () => tryAgain(recovery.attempt), { signal: away.signal });
  }
  const retries = WAIT[code] !== undefined;
  const title = h('h2', {}, icon('alert'), h('span', {}, words(0)));
  const step = h('p', {}, () => (retries && !waiting ? t.stopped : words(1)()));
  const key = code === 'unauthorized' ? keyField(() => tryAgain(0), away.signal) : null;
  const row = h('div', { class: 'row' }, ...buttons, stop);
  slot.replaceChildren(
    h('div', { class: 'card problem', role: 'alert' }, title, step, key, clock, row, details),
  );
  return dismiss;
}

/** Pages without https have no clipboard; there the text stays selected if the old command fails too. */
async function copy(shown: HTMLElement, text: string): Promise<boolean> {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  }
  getSelection()?.selectAllChildren(shown);
  return document.execCommand('copy');
}

/** Seconds until the page retries by itself; null where it does not. */
function waitingTime({ code, retryAfter }: Failure, attempt: number): number | null {
  const base = WAIT[code];
  if (base === undefined || attempt >= MAX_ATTEMPTS) return null;
  return retryAfter ?? Math.min(LONGEST_WAIT, base * 2 ** attempt);
}

/** Counts by the time of day, because timers stand still in a tab in the background. */
function countdown(seconds: number, signal: AbortSignal, done: () => void): HTMLElement {
  const end = Date.now() + seconds * 1000;
  const left = () => Math.max(0, (end - Date.now()) / 1000);
  const text = () =>
    left() > MINUTES_FROM
      ? format(t.waitMinutes, { n: Math.ceil(left() / 60) })
      : format(t.wait, { n: Math.ceil(left()) });
  const words = h('span', {}, text);
  const bar = h('progress', { max: seconds, 'aria-hidden': 'true' });
  const tick = () => {
    words.textContent = text();
    bar.value = left();
    if (left() <= 0) done();
  };
  tick();
  const timer = setInterval(tick, 250);
  signal.addEventListener('abort', () => clearInterval(timer));
  // Read once, with the alert.
  return h('div', { class: 'countdown', role: 'timer', 'aria-live': 'off' }, words, bar);
}

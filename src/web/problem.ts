import type { Failure } from './api.ts';
import { h, icon } from './dom.ts';
import type { Code } from './lang/en.ts';
import { fill, t } from './language.ts';

/** What a visitor can do next. The first offered is the one that helps most. */
type Step = 'retry' | 'again' | 'other' | 'original' | 'copy';

const STEPS: Record<Code, Step[]> = {
  invalid_request: ['other'],
  unsupported_url: ['other'],
  link_invalid: ['again'],
  link_expired: ['again'],
  not_a_photo_post: ['again'],
  post_not_found: ['other'],
  post_private: ['original', 'other'],
  login_required: ['original', 'other'],
  region_blocked: ['original', 'other'],
  ip_blocked: ['retry'],
  extractor_outdated: ['copy', 'retry'],
  upstream_failed: ['retry'],
  timeout: ['retry'],
  busy: ['retry'],
  rate_limited: ['retry'],
  render_failed: ['retry', 'copy'],
  internal: ['retry', 'copy'],
  offline: ['retry'],
  unreachable: ['retry'],
};

/** Waiting alone mends these. Seconds for where the service names none; they grow with each attempt. */
const WAIT: Partial<Record<Code, number>> = { busy: 5, unreachable: 5, rate_limited: 30, ip_blocked: 30 };
const LONGEST_WAIT = 300;
/** Nobody watches a page that has failed so often; a press of the button begins anew. */
const MAX_ATTEMPTS = 10;

export interface Recovery {
  /** Does again what failed. */
  retry: (attempt: number) => void;
  /** Asks for the whole post again. */
  again: () => void;
  /** Back to the field. */
  other: () => void;
  /** The post on TikTok, where its address is known. */
  original: string | null;
  /** How often this was tried without the visitor's doing. */
  attempt: number;
}

/** Shows a failure with its words and its next steps in `slot`. Returns what takes it away and stops its clock. */
export function showProblem(slot: HTMLElement, failure: Failure, recovery: Recovery): () => void {
  const [title, step] = t.errors[failure.code];
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
  const clock =
    seconds === null ? null : countdown(seconds, away.signal, () => tryAgain(recovery.attempt + 1));
  const press = (text: string, act: (button: HTMLElement) => void) => {
    const button = h('button', { type: 'button', click: () => act(button) }, text);
    return button;
  };
  const make: Record<Step, () => HTMLElement | null> = {
    retry: () => press(clock ? t.now : t.retry, () => tryAgain(0)),
    again: () => press(t.again, recovery.again),
    other: () =>
      press(t.other, () => {
        dismiss();
        recovery.other();
      }),
    original: () =>
      recovery.original === null
        ? null
        : h(
            'a',
            { class: 'button', href: recovery.original, target: '_blank', rel: 'noreferrer' },
            t.original,
          ),
    copy: () =>
      press(t.copy, (button) => {
        const details = `${failure.code} ${failure.requestId} ${new Date().toISOString()}`;
        void navigator.clipboard?.writeText(details).then(() => {
          button.textContent = t.copied;
        });
      }),
  };
  const buttons = STEPS[failure.code].map((name) => make[name]()).filter((button) => button !== null);
  buttons[0]?.classList.add('primary');
  const stop =
    clock &&
    press(t.stop, (button) => {
      away.abort();
      clock.remove();
      button.remove();
      buttons[0]?.focus();
    });
  if (failure.code === 'offline') {
    window.addEventListener('online', () => tryAgain(recovery.attempt), { signal: away.signal });
  }
  const details = `${failure.code}${failure.requestId && ` · ${failure.requestId}`}`;
  const text = h('div', { class: 'problem-text' }, h('h2', {}, title), h('p', {}, step), clock);
  text.append(
    h('div', { class: 'row' }, ...buttons, stop),
    h('p', { class: 'details', dir: 'ltr' }, details),
  );
  const mark = h('div', { class: 'problem-icon' }, icon('alert'));
  slot.replaceChildren(h('div', { class: 'card problem', role: 'alert' }, mark, text));
  return dismiss;
}

/** Seconds until the page tries by itself; null where it does not. */
function waitingTime({ code, retryAfter }: Failure, attempt: number): number | null {
  const base = WAIT[code];
  if (base === undefined || attempt >= MAX_ATTEMPTS) return null;
  return retryAfter ?? Math.min(LONGEST_WAIT, base * 2 ** attempt);
}

/** A clock that runs by the time of day: a tab in the background counts no seconds. */
function countdown(seconds: number, signal: AbortSignal, done: () => void): HTMLElement {
  const end = Date.now() + seconds * 1000;
  const text = h('span');
  const bar = h('progress', { max: seconds, 'aria-hidden': 'true' });
  const tick = () => {
    const left = (end - Date.now()) / 1000;
    text.textContent = fill(t.wait, { n: Math.max(0, Math.ceil(left)) });
    bar.value = Math.max(0, left);
    if (left <= 0) done();
  };
  tick();
  const timer = setInterval(tick, 250);
  signal.addEventListener('abort', () => clearInterval(timer));
  // Said once with the alert; a screen reader that reads every second is of no use.
  return h('div', { class: 'countdown', role: 'timer', 'aria-live': 'off' }, text, bar);
}

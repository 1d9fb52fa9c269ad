import { Failure, local, ready } from './api.ts';
import { announce, h, icon, refresh } from './dom.ts';
import { t } from './language.ts';
import { isStandalone, maxSharedBytes, ShareTask, shares } from './share.ts';

/**
 * Reports a failure of a file.
 * @param retry tries again; the page counts the attempts that nobody asked for
 * @param asked whether somebody pressed a button; false for a player that failed by itself
 */
export type Report = (
  failure: Failure,
  retry: (attempt: number) => void,
  attempt: number,
  asked: boolean,
) => void;

export interface Saving {
  link: string;
  label: () => string;
  detail?: () => string;
  /** Name in the sprite. */
  symbol?: string;
  primary?: boolean;
  report: Report;
  onSaved?: () => void;
}

/** Milliseconds that a button says what became of its press. */
const SAID_MS = 5000;

/** A label in two lines; the second is the state of the work while there is one. */
function words(label: () => string, second: () => string): HTMLElement {
  return h('span', {}, h('b', {}, label), h('small', {}, second));
}

/**
 * A link that saves a file. A plain click waits until the service has the file, because an MP3 may have to be made and
 * an error would end up unread in the browser's list of downloads.
 */
export function saveLink(saving: Saving): HTMLElement {
  const { link, label, detail = () => '', symbol = 'save', primary = false, report, onSaved } = saving;
  let state: (() => string) | null = null;
  const show = (next: typeof state) => {
    state = next;
    refresh();
    if (next) announce(next());
  };
  const anchor = h(
    'a',
    { class: primary ? 'button primary' : 'button', href: () => local(link), download: true },
    icon(symbol),
    words(label, () => (state ?? detail)()),
  );
  const start = async (attempt: number) => {
    if (anchor.ariaBusy === 'true') return;
    anchor.ariaBusy = 'true';
    show(() => t.preparing);
    try {
      await ready(link);
      save(link);
      onSaved?.();
      show(() => t.started);
      setTimeout(() => show(null), SAID_MS);
    } catch (error) {
      show(null);
      if (!(error instanceof Failure)) throw error;
      report(error, retry, attempt, true);
    } finally {
      anchor.ariaBusy = null;
    }
  };
  const retry = (attempt: number) => {
    anchor.focus();
    void start(attempt);
  };
  anchor.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void start(0);
  });
  return anchor;
}

/** Saves by the browser's own download, whose name is that of Content-Disposition. Leaves an installed page in place. */
export function save(link: string): void {
  h('a', { href: local(link), download: true, ...(isStandalone() && { target: '_blank' }) }).click();
}

export interface Sharing extends Omit<Saving, 'link'> {
  links: string[];
  /** Bytes of all files, as far as they are known. */
  size?: number | null;
  /** Saves by download where the share sheet does not take the files. */
  fallback: () => void;
}

/**
 * A button that hands files to the share sheet, which on phones leads to the photos. null where the device has none that
 * takes files, or they are too large to be held in memory.
 */
export function shareButton(sharing: Sharing): HTMLElement | null {
  const { links, label, detail = () => '', report, fallback, onSaved, size, primary = true } = sharing;
  if (!shares() || (size ?? 0) > maxSharedBytes) return null;
  const task = new ShareTask(links);
  const idle = task.state;
  let said: (() => string) | null = null;
  const second = () => {
    if (said) return said();
    return task.state === idle ? detail() : task.describe();
  };
  const button = h(
    'button',
    { class: primary ? 'primary' : '', click: () => void start(0) },
    icon('save'),
    words(label, second),
  );
  const say = (text: (() => string) | null) => {
    said = text;
    refresh();
    if (text) announce(text());
  };
  const start = async (attempt: number) => {
    if (button.ariaBusy === 'true') return;
    button.ariaBusy = 'true';
    say(null);
    try {
      const outcome = await task.run(refresh);
      if (outcome === 'refused') fallback();
      if (outcome === 'shared' || outcome === 'refused') onSaved?.();
      if (outcome === 'tap') announce(t.tapToSave);
      if (outcome === 'shared') say(() => t.saved);
      if (outcome === 'refused') say(() => t.started);
      if (said) setTimeout(() => say(null), SAID_MS);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      report(error, retry, attempt, true);
    } finally {
      button.ariaBusy = null;
      refresh();
    }
  };
  const retry = (attempt: number) => {
    button.focus();
    void start(attempt);
  };
  return button;
}

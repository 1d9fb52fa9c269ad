import { Failure, local, ready } from './api.ts';
import { announce, h, icon, refresh } from './dom.ts';
import { t } from './language.ts';
import { canShareFiles, isStandalone, MAX_SHARED_BYTES, ShareTask } from './share.ts';

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

/** Milliseconds that a control says what became of its press. */
const SAID_MS = 5000;

type Text = () => string;

/**
 * What a press starts, once at a time. Its state stands in the second line of the control, and failures are reported.
 * @param work returns what to say at its end
 */
function startable(work: (say: (text: Text | null) => void) => Promise<Text | null>, report: Report) {
  let said: Text | null = null;
  const say = (text: Text | null) => {
    said = text;
    refresh();
    if (text) announce(text());
  };
  const start = async (control: HTMLElement, attempt = 0) => {
    if (control.ariaBusy === 'true') return;
    control.ariaBusy = 'true';
    try {
      const end = await work(say);
      say(end);
      if (end) setTimeout(() => said === end && say(null), SAID_MS);
    } catch (error) {
      say(null);
      if (!(error instanceof Failure)) throw error;
      const retry = (next: number) => {
        control.focus();
        void start(control, next);
      };
      report(error, retry, attempt, true);
    } finally {
      control.ariaBusy = null;
      refresh();
    }
  };
  return { start, said: () => said?.() };
}

/** A label in two lines. */
function words(label: Text, second: Text): HTMLElement {
  return h('span', {}, h('b', {}, label), h('small', {}, second));
}

/**
 * A link that saves a file. A plain click waits until the service has the file, because an MP3 may have to be made and
 * an error would end up unread in the browser's list of downloads.
 */
export function saveLink(saving: Saving): HTMLElement {
  const { link, label, detail = () => '', symbol = 'save', primary = false, report, onSaved } = saving;
  const { start, said } = startable(async (say) => {
    say(() => t.preparing);
    await ready(link);
    save(link);
    onSaved?.();
    return () => t.started;
  }, report);
  const anchor = h(
    'a',
    { class: primary ? 'button primary' : 'button', href: () => local(link), download: true },
    icon(symbol),
    words(label, () => said() ?? detail()),
  );
  anchor.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void start(anchor);
  });
  return anchor;
}

/** Saves by the browser's own download, whose name is that of Content-Disposition. Leaves an installed page in place. */
export function save(link: string): void {
  h('a', { href: local(link), download: true, ...(isStandalone() && { target: '_blank' }) }).click();
}

export interface Sharing extends Omit<Saving, 'link' | 'symbol' | 'primary'> {
  links: string[];
  /** Bytes of all files, where they are known. */
  size?: number | null;
  /** Saves by download where the share sheet does not take the files. */
  fallback: () => void;
}

/**
 * The main button where the device's share sheet takes files, which on phones leads to the photos; null where it does
 * not, or the files are too large to be held in memory.
 */
export function shareButton(sharing: Sharing): HTMLElement | null {
  const { links, label, detail = () => '', report, fallback, onSaved, size } = sharing;
  if (!canShareFiles() || (size ?? 0) > MAX_SHARED_BYTES) return null;
  const task = new ShareTask(links);
  const { start, said } = startable(async () => {
    const outcome = await task.run(refresh);
    if (outcome === 'tap') {
      announce(t.tapToSave);
      return null;
    }
    if (outcome === 'refused') fallback();
    onSaved?.();
    return () => (outcome === 'refused' ? t.started : t.saved);
  }, report);
  const button = h(
    'button',
    { class: 'primary', click: () => void start(button) },
    icon('save'),
    words(label, () => said() ?? task.describe() ?? detail()),
  );
  return button;
}

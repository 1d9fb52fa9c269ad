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

interface Control {
  label: () => string;
  detail?: () => string;
  /** Name in the sprite. */
  symbol?: string;
  primary?: boolean;
  report: Report;
}

export interface Saving extends Control {
  link: string;
  onSaved?: () => void;
}

/** Milliseconds that a control says what became of its press. */
const SAID_MS = 5000;

/** Milliseconds between two downloads, which some browsers would else merge into one. */
const SAVE_PAUSE_MS = 300;

type Text = () => string;

/** What a press starts. Returns what to say at its end. */
type Work = (say: (text: Text) => void) => Promise<Text | undefined>;

/** Work that is done once at a time. Its state stands in the second line of the control, and failures are reported. */
function startable(work: Work, report: Report) {
  let said: Text | undefined;
  const say = (text?: Text) => {
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
      if (end) setTimeout(() => said === end && say(), SAID_MS);
    } catch (error) {
      say();
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
  let needsTap = false;
  const { start, said } = startable(async (say) => {
    if (!needsTap) {
      say(() => t.preparing);
      await ready(link);
      // Only a fresh tap may open a window.
      needsTap = isStandalone() && navigator.userActivation?.isActive === false;
      if (needsTap) {
        announce(t.tapToSave);
        return;
      }
    }
    needsTap = false;
    save(link);
    onSaved?.();
    return () => t.started;
  }, report);
  const anchor = h(
    'a',
    { class: primary ? 'button primary' : 'button', href: () => local(link), download: true },
    icon(symbol),
    words(label, () => said() ?? (needsTap ? t.tapToSave : detail())),
  );
  anchor.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void start(anchor);
  });
  return anchor;
}

/** A button for work that may take a while. */
export function taskButton(control: Control, work: Work): HTMLElement {
  const { label, detail = () => '', symbol = 'save', primary = false, report } = control;
  const { start, said } = startable(work, report);
  const button = h(
    'button',
    { class: primary ? 'primary' : '', click: () => void start(button) },
    icon(symbol),
    words(label, () => said() ?? detail()),
  );
  return button;
}

/** Saves by the browser's own download, whose name is that of Content-Disposition. Leaves an installed page in place. */
export function save(link: string): void {
  h('a', { href: local(link), download: true, ...(isStandalone() && { target: '_blank' }) }).click();
}

/**
 * Saves files one after the other.
 * @param failed returns whether to go on with the next file
 */
export async function saveEach(
  links: string[],
  saved: (at: number) => void,
  failed: (failure: Failure, at: number) => boolean,
): Promise<void> {
  for (const [at, link] of links.entries()) {
    try {
      await ready(link);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (failed(error, at)) continue;
      return;
    }
    save(link);
    saved(at);
    await new Promise((resolve) => setTimeout(resolve, SAVE_PAUSE_MS));
  }
}

export interface Sharing extends Pick<Saving, 'label' | 'detail' | 'report' | 'onSaved'> {
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
  const words = () => task.describe() ?? detail();
  return taskButton({ label, detail: words, primary: true, report }, async () => {
    const outcome = await task.run(refresh);
    if (outcome === 'tap') {
      announce(t.tapToSave);
      return;
    }
    if (outcome === 'refused') fallback();
    onSaved?.();
    return () => (outcome === 'refused' ? t.started : t.saved);
  });
}

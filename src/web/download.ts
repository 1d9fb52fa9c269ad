import { Failure, local, ready } from './api.ts';
import { announce, h, icon } from './dom.ts';
import { t } from './language.ts';

/**
 * Shows a failure where the visitor looks; `retry` does again what failed.
 * @param link of the file that failed; '' where it only was to be played
 */
export type Report = (
  failure: Failure,
  retry: (attempt: number) => void,
  attempt: number,
  link: string,
) => void;

export interface Saving {
  link: string;
  label: string;
  detail?: string;
  /** Of the sprite. */
  symbol?: string;
  primary?: boolean;
  report: Report;
}

/**
 * A link that saves a file. A plain click first waits until the service has the file: an MP3 may have to be made,
 * and an error would end up unread in the browser's list of downloads.
 */
export function saveLink(saving: Saving): HTMLElement {
  const { link, label, detail = '', symbol = 'save', primary = false, report } = saving;
  const small = h('small', {}, detail);
  const anchor = h(
    'a',
    { class: primary ? 'button primary' : 'button', href: local(link), download: true },
    icon(symbol),
    h('span', {}, h('b', {}, label), small),
  );
  const start = async (attempt: number) => {
    if (anchor.ariaBusy === 'true') return;
    anchor.ariaBusy = 'true';
    small.textContent = t.preparing;
    announce(t.preparing);
    try {
      await ready(link);
      save(link);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      report(error, start, attempt, link);
    } finally {
      anchor.ariaBusy = null;
      announce('');
      small.textContent = detail;
    }
  };
  anchor.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void start(0);
  });
  return anchor;
}

/** The name comes from the answer's Content-Disposition. */
export function save(link: string): void {
  h('a', { href: local(link), download: true }).click();
}

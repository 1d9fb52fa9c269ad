import { Failure, local, ready } from './api.ts';
import { announce, h, icon } from './dom.ts';
import { type Report, saveLink } from './download.ts';
import { percent, t } from './language.ts';
import { player } from './player.ts';

type Stage = 'queued' | 'fetching' | 'rendering' | 'done' | 'failed';

/** A button; while the film is made, its progress; then the film. */
export function slideshow(link: string, report: Report): HTMLElement {
  const body = h('div', { class: 'film' });
  const offer = () => {
    const properties = { type: 'button', value: local(link), click: () => void start(0) };
    const make = h('button', properties, icon('film'), t.make);
    body.replaceChildren(h('p', { class: 'hint' }, t.slideshowHint), make);
  };
  const start = async (attempt: number) => {
    const bar = progressBar();
    body.replaceChildren(bar.element);
    const stop = follow(link, bar.show);
    try {
      // The film is made while somebody waits for it; this waits.
      await ready(link);
      show();
    } catch (error) {
      offer();
      if (!(error instanceof Failure)) throw error;
      report(error, start, attempt, link);
    } finally {
      stop();
    }
  };
  const show = () => {
    announce(t.ready);
    const film = player({
      src: local(link),
      link,
      label: t.slideshow,
      width: 1080,
      height: 1920,
      report,
    });
    const save = saveLink({ link, label: t.film, primary: true, report });
    body.replaceChildren(film, save);
    save.focus({ preventScroll: true });
  };
  offer();
  return h('section', { class: 'slideshow' }, h('h3', {}, t.slideshow), body);
}

function progressBar() {
  const bar = h('progress', { max: 100, value: 0, 'aria-label': t.slideshow });
  const words = h('span', { role: 'status' }, t.queued);
  const amount = h('span', { class: 'percent' });
  return {
    element: h('div', { class: 'progress' }, h('p', { class: 'progress-words' }, words, amount), bar),
    show(stage: Stage, value: number) {
      bar.value = value;
      amount.textContent = percent(value / 100);
      if (stage === 'done' || stage === 'failed' || words.textContent === t[stage]) return;
      words.textContent = t[stage];
    },
  };
}

/** Follows the server-sent events of the film until told to stop. */
function follow(link: string, show: (stage: Stage, percent: number) => void): () => void {
  const events = new EventSource(local(link).replace('download-slideshow', 'download-slideshow/progress'));
  events.addEventListener('message', ({ data }: MessageEvent<string>) => {
    const { stage, percent: value } = JSON.parse(data) as { stage: Stage; percent: number };
    show(stage, value);
  });
  return () => events.close();
}

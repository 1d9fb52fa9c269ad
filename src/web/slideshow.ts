import { Failure, local, type Post, ready } from './api.ts';
import { announce, h, icon } from './dom.ts';
import { type Report, save, saveLink, shareButton } from './download.ts';
import { percent, t } from './language.ts';
import { player } from './player.ts';
import { shareHint } from './share.ts';
import { slideshowOptions } from './slideshow-options.ts';

type Stage = 'queued' | 'fetching' | 'rendering' | 'done' | 'failed';

/** Options and a button; while the slideshow is made, its progress; then the slideshow, until an option changes. */
export function slideshow(post: Post, report: Report): HTMLElement | null {
  const { photos = [], download_slideshow_link: base } = post;
  if (!base) return null;
  const body = h('div', { class: 'slideshow-body' });
  const offer = () => {
    options.enable(true);
    const make = h(
      'button',
      { click: () => void start(0) },
      icon('video'),
      h('span', {}, () => t.make),
    );
    const hint = () => (photos.length === 1 ? t.slideshowHintOne : t.slideshowHint);
    body.replaceChildren(h('p', { class: 'hint' }, hint), make);
    return make;
  };
  const start = async (attempt: number) => {
    const running = new AbortController();
    const cancel = () => {
      running.abort();
      offer().focus();
    };
    const bar = progressBar(cancel);
    const link = base + options.query();
    options.enable(false);
    body.replaceChildren(bar.element);
    const stop = followProgress(link, bar.show);
    try {
      await ready(link, running.signal);
      show(link);
    } catch (error) {
      if (running.signal.aborted) return;
      offer();
      if (!(error instanceof Failure)) throw error;
      report(error, (next) => void start(next), attempt, true);
    } finally {
      stop();
    }
  };
  const show = (link: string) => {
    announce(t.ready);
    options.enable(true);
    const [first] = photos;
    const [width, height] = options.canvas() ?? [first?.width ?? 1080, first?.height ?? 1440];
    const video = player({
      src: () => local(link),
      link,
      label: () => t.slideshow,
      width,
      height,
      report,
    });
    const sharing = shareButton({
      links: [link],
      label: () => t.shareVideo,
      detail: () => shareHint(0),
      report,
      fallback: () => save(link),
    });
    const button = saveLink({ link, label: () => t.saveSlideshow, primary: !sharing, report });
    body.replaceChildren(video, ...(sharing ? [sharing] : []), button);
    (sharing ?? button).focus({ preventScroll: true });
  };
  const options = slideshowOptions(photos.length, post.download_link.mp3 !== undefined, offer);
  offer();
  return h(
    'section',
    { class: 'slideshow' },
    h('h3', {}, () => t.slideshow),
    options.element,
    body,
  );
}

function progressBar(cancel: () => void) {
  const bar = h('progress', { max: 100, value: 0, 'aria-label': () => t.slideshow });
  const words = h('span', { role: 'status' }, t.queued);
  const amount = h('span', { class: 'percent' });
  return {
    element: h(
      'div',
      { class: 'progress' },
      h('p', { class: 'progress-words' }, words, amount),
      bar,
      h('button', { class: 'quiet', click: cancel }, () => t.cancel),
    ),
    show(stage: Stage, value: number) {
      bar.value = value;
      amount.textContent = percent(value / 100);
      if (stage === 'done' || stage === 'failed' || words.textContent === t[stage]) return;
      words.textContent = t[stage];
    },
  };
}

/** Follows the server-sent events of the slideshow. @returns what ends it */
function followProgress(link: string, show: (stage: Stage, percent: number) => void): () => void {
  const events = new EventSource(local(link).replace('download-slideshow', 'download-slideshow/progress'));
  events.addEventListener('message', ({ data }: MessageEvent<string>) => {
    const { stage, percent: value } = JSON.parse(data) as { stage: Stage; percent: number };
    show(stage, value);
  });
  return () => events.close();
}

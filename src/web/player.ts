import { Failure, ready } from './api.ts';
import { h } from './dom.ts';
import type { Report } from './download.ts';

export interface Film {
  /** The address to play. */
  src: string;
  /** The service's link behind it. */
  link: string;
  label: string;
  width: number;
  height: number;
  poster?: string;
  report: Report;
}

/**
 * The browser's own player: seeking, keyboard and screen reader come with it. Of what goes wrong it says nothing; the
 * service does.
 */
export function player({ src, link, label, width, height, poster, report }: Film): HTMLVideoElement {
  let attempt = 0;
  const explain = async () => {
    try {
      await ready(link);
    } catch (error) {
      if (error instanceof Failure && video.isConnected) report(error, again, attempt, '');
    }
  };
  const again = (next: number) => {
    attempt = next;
    const at = video.currentTime;
    video.load();
    video.currentTime = at;
  };
  const video = h('video', {
    src,
    ...(poster && { poster }),
    width,
    height,
    controls: true,
    playsinline: true,
    preload: 'metadata',
    'aria-label': label,
    error: () => void explain(),
  });
  // Not by its attributes alone: until it plays, a poster of another shape would count for more than they do.
  video.style.aspectRatio = `${width} / ${height}`;
  return video;
}

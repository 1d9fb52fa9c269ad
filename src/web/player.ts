import { Failure, ready } from './api.ts';
import { h } from './dom.ts';
import type { Report } from './download.ts';

export interface Video {
  /** The address to play; read again when the last one failed. */
  src: () => string;
  /** The service's link behind it. */
  link: string;
  label: () => string;
  width: number;
  height: number;
  poster?: string;
  report: Report;
}

/** The browser's own player, with its seeking and keyboard. It does not say why it failed; the service does. */
export function player({ src, link, label, width, height, poster, report }: Video): HTMLVideoElement {
  let attempt = 0;
  const explain = async () => {
    try {
      await ready(link);
    } catch (error) {
      if (error instanceof Failure && video.isConnected) report(error, again, attempt, false);
    }
  };
  const again = (next: number) => {
    attempt = next;
    const at = video.currentTime;
    if (video.getAttribute('src') === src()) video.load();
    else video.setAttribute('src', src());
    video.currentTime = at;
  };
  const video = h('video', {
    ...(poster && { poster }),
    width,
    height,
    controls: true,
    playsinline: true,
    preload: 'metadata',
    'aria-label': label,
    error: () => void explain(),
  });
  video.setAttribute('src', src());
  // The attributes alone give way to the shape of the poster until the video plays.
  video.style.aspectRatio = `${width} / ${height}`;
  return video;
}

import type { ErrorCode, ServiceError } from '../errors.ts';
import type { PostResponse } from '../posts/response.ts';

/** The options of cobalt that make a difference here; the others are those of other sites, or have no effect. */
export interface CobaltRequest {
  downloadMode: 'auto' | 'audio' | 'mute';
  audioFormat: 'best' | 'mp3' | 'ogg' | 'wav' | 'opus';
  allowH265: boolean;
  /** Whether the client can put files together itself. */
  localProcessing: 'disabled' | 'preferred' | 'forced';
  /** ISO 639-1. */
  subtitleLang?: string | undefined;
}

export type CobaltResponse =
  | { status: 'tunnel'; url: string; filename: string }
  | { status: 'picker'; picker: PickerItem[]; audio?: string; audioFilename?: string }
  | LocalProcessing
  | CobaltError;

interface PickerItem {
  type: 'photo' | 'video';
  url: string;
}

interface LocalProcessing {
  status: 'local-processing';
  type: 'mute' | 'remux';
  service: 'tiktok';
  /** The video, and captions after it. */
  tunnel: string[];
  output: { type: 'video/mp4'; filename: string; subtitles?: true };
}

interface CobaltError {
  status: 'error';
  error: { code: string; context?: { service?: string; limit?: number } };
}

type VideoResponse = Extract<PostResponse, { status: 'tunnel' }>;

const PLAYABLE_CODECS: readonly string[] = ['h264', 'h265'];

/** Answers a request of API 11 with the files of a post. @param name of a file with that extension */
export function toCobalt(
  response: PostResponse,
  request: CobaltRequest,
  name: (extension: string) => string,
): CobaltResponse {
  const { mp3 } = response.download_link;
  if (request.downloadMode === 'audio') {
    // MP3 is also the best that there is: nothing else is made.
    if (!['best', 'mp3'].includes(request.audioFormat)) return failure('service.audio_not_supported');
    return mp3 ? { status: 'tunnel', url: mp3, filename: name('mp3') } : failure('fetch.empty');
  }
  if (response.status === 'picker') {
    const withSound = request.downloadMode !== 'mute' && mp3 !== undefined;
    return {
      status: 'picker',
      picker: response.photos.flatMap(({ link, ...photo }): PickerItem[] => [
        { type: 'photo', url: link },
        ...('live' in photo ? [{ type: 'video' as const, url: photo.live.link }] : []),
      ]),
      ...(withSound && { audio: mp3, audioFilename: name('mp3') }),
    };
  }
  return request.downloadMode === 'mute'
    ? muted(response, request, name('mp4'))
    : video(response, request, name('mp4'));
}

/** Captions cannot be put into a video here: a client that can gets both, any other the video alone. */
function video(response: VideoResponse, request: CobaltRequest, filename: string): CobaltResponse {
  const url = videoLink(response, request);
  if (url === undefined) return failure('fetch.empty');
  const captions = captionsIn(response, request.subtitleLang);
  return captions && request.localProcessing !== 'disabled'
    ? localProcessing('remux', [url, captions], { type: 'video/mp4', filename, subtitles: true })
    : { status: 'tunnel', url, filename };
}

/** Sound cannot be taken out of a video here: a silent rendition serves, or a client that can do it. */
function muted(response: VideoResponse, request: CobaltRequest, filename: string): CobaltResponse {
  const silent = response.formats.find(
    ({ codec, has_audio }) => !has_audio && PLAYABLE_CODECS.includes(codec),
  );
  if (silent) return { status: 'tunnel', url: silent.link, filename };
  const url = videoLink(response, request);
  return url !== undefined && request.localProcessing !== 'disabled'
    ? localProcessing('mute', [url], { type: 'video/mp4', filename })
    : failure('fetch.empty');
}

function videoLink({ download_link: links }: VideoResponse, { allowH265 }: CobaltRequest) {
  return (allowH265 ? links.no_watermark_hd : links.no_watermark) ?? links.watermark;
}

function captionsIn({ subtitles }: VideoResponse, wanted: string | undefined): string | undefined {
  const language = wanted && languageOf(wanted);
  return language ? subtitles.find((one) => languageOf(one.language) === language)?.link : undefined;
}

/** `en` for both `en` and `eng-US`. */
function languageOf(tag: string): string | null {
  try {
    return new Intl.Locale(tag).language;
  } catch {
    return null;
  }
}

function localProcessing(
  type: LocalProcessing['type'],
  tunnel: string[],
  output: LocalProcessing['output'],
): LocalProcessing {
  return { status: 'local-processing', type, service: 'tiktok', tunnel, output };
}

const CODES: Readonly<Record<ErrorCode, string>> = {
  invalid_request: 'invalid_body',
  unsupported_url: 'link.invalid',
  link_invalid: 'link.invalid',
  link_expired: 'link.invalid',
  not_a_photo_post: 'link.unsupported',
  post_not_found: 'content.post.unavailable',
  post_private: 'content.post.private',
  login_required: 'content.post.age',
  not_allowed: 'service.disabled',
  unauthorized: 'auth.key.invalid',
  region_blocked: 'content.region',
  ip_blocked: 'fetch.rate',
  extractor_outdated: 'fetch.fail',
  upstream_failed: 'fetch.fail',
  timeout: 'timed_out',
  busy: 'capacity',
  rate_limited: 'rate_exceeded',
  render_failed: 'generic',
  internal: 'generic',
};

/** @param hasKey whether the request came with an API key */
export function cobaltError({ code, retryAfter }: ServiceError, hasKey: boolean): CobaltError {
  if (code === 'unauthorized' && !hasKey) return failure('auth.key.missing');
  const name = CODES[code];
  if (name === 'rate_exceeded' && retryAfter !== undefined) return failure(name, { limit: retryAfter });
  return name.startsWith('fetch.') ? failure(name, { service: 'tiktok' }) : failure(name);
}

function failure(code: string, context?: CobaltError['error']['context']): CobaltError {
  return { status: 'error', error: { code: `error.api.${code}`, ...(context && { context }) } };
}

import { type Asset, assetSource } from './asset.ts';
import type { Photo, Post, Rendition } from './post.ts';
import { type CodecPreference, chooseRenditions } from './renditions.ts';
import { soundFormats, soundsOf } from './sounds.ts';

export interface PostResponseOptions {
  /** The link to a file of the post. */
  linkTo: (asset: Asset) => string;
  /** When these links expire, Unix milliseconds. */
  expiresAt: number;
  preferCodec: CodecPreference;
  cached: boolean;
  /** Whether the response has links to cover and avatar through this service. */
  images?: boolean;
  /** Whether the service offers a file of this kind; by default all. */
  offers?: (asset: Asset) => boolean;
}

/** The response to POST /tiktok. */
export function toPostResponse(
  post: Post,
  { linkTo, expiresAt, preferCodec, cached, images = false, offers = () => true }: PostResponseOptions,
) {
  const linkIfOffered: LinkIfOffered = (asset) => (offers(asset) ? linkTo(asset) : undefined);
  const sounds = soundLinks(post, linkIfOffered);
  const mp3 = sounds.find(({ format }) => format === 'mp3')?.link;
  const tail = {
    subtitles: subtitleLinks(post, linkTo),
    sounds,
    links_expire_at: isoSeconds(expiresAt),
    cached,
    source: post.source,
    ...(post.partial.length > 0 && { partial: post.partial }),
    ...(images && { images: imageLinks(post, linkTo) }),
  };
  if (post.kind === 'photo') {
    return {
      status: 'picker' as const,
      ...describe(post),
      ...photoLinks(post, linkTo, linkIfOffered, mp3),
      ...tail,
    };
  }
  return {
    status: 'tunnel' as const,
    ...describe(post),
    ...videoLinks(post, linkTo, preferCodec, mp3),
    ...tail,
  };
}

export type PostResponse = ReturnType<typeof toPostResponse>;

type LinkTo = PostResponseOptions['linkTo'];
type LinkIfOffered = (asset: Asset) => string | undefined;

function describe(post: Post) {
  return {
    id: post.ref.id,
    url: post.url,
    title: post.title,
    description: post.description,
    created_at: post.createdAt === null ? null : isoSeconds(post.createdAt * 1000),
    cover: post.cover ?? '',
    duration: post.durationMs,
    artist: post.sound?.author ?? '',
    audio: post.sound?.urls[0] ?? '',
    music_duration: post.sound?.durationMs ?? 0,
    author: {
      nickname: post.author.nickname,
      uniqueId: post.author.uniqueId,
      signature: post.author.signature,
      // Frontends of the predecessors read any of the four names.
      avatar: post.author.avatarLarger || post.author.avatarMedium || post.author.avatarThumb,
      avatarThumb: post.author.avatarThumb,
      avatarMedium: post.author.avatarMedium,
      avatarLarger: post.author.avatarLarger,
    },
    statistics: {
      play_count: post.statistics.play,
      digg_count: post.statistics.digg,
      comment_count: post.statistics.comment,
      share_count: post.statistics.share,
      collect_count: post.statistics.collect,
    },
  };
}

/** For pages whose browsers send no request to TikTok. */
function imageLinks(post: Post, linkTo: LinkTo) {
  return {
    cover: linkIfAny(post, { kind: 'cover' }, linkTo) ?? '',
    avatar: linkIfAny(post, { kind: 'avatar' }, linkTo) ?? '',
  };
}

function videoLinks(post: Post, linkTo: LinkTo, preferCodec: CodecPreference, mp3: string | undefined) {
  const { hd, standard, watermark } = chooseRenditions(post.renditions, preferCodec);
  const linked = post.renditions.map((rendition) => ({
    rendition,
    link: linkTo({ kind: 'video', rendition: rendition.id }),
  }));
  const linkOf = (one: Rendition | null) => linked.find(({ rendition }) => rendition === one)?.link;
  const notice = noticeOf(post, standard);
  return {
    download_link: {
      no_watermark: linkOf(standard),
      no_watermark_hd: linkOf(hd),
      watermark: linkOf(watermark),
      mp3,
      cover: post.renditions.length === 0 ? linkIfAny(post, { kind: 'cover' }, linkTo) : undefined,
    },
    formats: linked.map(({ rendition, link }) => ({
      id: rendition.id,
      codec: rendition.codec,
      width: rendition.width,
      height: rendition.height,
      bitrate: rendition.bitrate,
      size: rendition.size,
      has_audio: rendition.hasAudio,
      watermark: rendition.watermark,
      link,
    })),
    ...(notice !== undefined && { notice }),
  };
}

/** Why a video post has no clean video with sound to offer, for a person. */
function noticeOf(post: Post, standard: Rendition | null): string | undefined {
  if (standard) return undefined;
  const clean = post.renditions.filter((one) => !one.watermark);
  if (post.renditions.length === 0) {
    return 'The video of this post is not available: it has no address, like that of many ads and shop posts.';
  }
  if (clean.length === 0) return 'Only a version that may have a watermark is available at the moment.';
  if (clean.some((one) => one.playable)) return 'This video is only available without sound.';
  return 'This video is only available in a format that players do not support.';
}

function soundLinks(post: Post, linkIfOffered: LinkIfOffered) {
  return soundsOf(post).flatMap((of) =>
    soundFormats(post, of).flatMap((format) => {
      const link = linkIfOffered({ kind: 'sound', of, format });
      return link === undefined ? [] : { kind: of, format, link };
    }),
  );
}

function subtitleLinks(post: Post, linkTo: LinkTo) {
  return post.subtitles.map(({ language, source }) => ({
    language,
    source,
    // subtitles/ converts every kind to WebVTT.
    format: 'vtt' as const,
    link: linkTo({ kind: 'subtitle', language, source }),
  }));
}

function photoLinks(post: Post, linkTo: LinkTo, linkIfOffered: LinkIfOffered, mp3: string | undefined) {
  const photos = post.photos.map((photo, index) => ({
    type: 'photo' as const,
    url: photo.urls[0] ?? '',
    width: photo.width,
    height: photo.height,
    link: linkTo({ kind: 'photo', index }),
    ...liveLink(photo, index, linkTo),
  }));
  return {
    photos,
    download_link: {
      no_watermark: photos.map((photo) => photo.link),
      mp3,
      zip: linkIfOffered({ kind: 'zip' }),
    },
    download_slideshow_link: linkIfOffered({ kind: 'slideshow' }),
  };
}

function liveLink({ live }: Photo, index: number, linkTo: LinkTo) {
  if (!live) return {};
  const { width, height, durationMs } = live;
  return { live: { width, height, duration: durationMs, link: linkTo({ kind: 'live', index }) } };
}

function linkIfAny(post: Post, asset: Asset, linkTo: LinkIfOffered): string | undefined {
  return assetSource(post, asset) ? linkTo(asset) : undefined;
}

function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

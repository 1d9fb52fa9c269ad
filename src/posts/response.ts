import type { LinkRoute, Links } from '../links/index.ts';
import type { Asset } from '../posts/asset.ts';
import { assetSource } from './asset.ts';
import type { Post, Rendition } from './post.ts';
import { chooseRenditions } from './renditions.ts';

export interface PostResponseOptions {
  links: Pick<Links, 'make' | 'expiryFromNow'>;
  preferCodec: 'h264' | 'best';
  cached: boolean;
  /** Whether the one who asks wants the cover and the avatar through this service too. */
  images?: boolean;
}

/** The answer to POST /tiktok (CONTRACT §2 and §3), with links made for this very answer. */
export function toPostResponse(
  post: Post,
  { links, preferCodec, cached, images = false }: PostResponseOptions,
) {
  const expiresAt = links.expiryFromNow();
  const link = (route: LinkRoute, asset: Asset) =>
    links.make(route, { ref: post.ref, asset, source: assetSource(post, asset) }, expiresAt);
  const tail = {
    subtitles: subtitleLinks(post, link),
    links_expire_at: isoSeconds(expiresAt),
    cached,
    ...(images && { images: imageLinks(post, link) }),
  };
  if (post.kind === 'photo') {
    return { status: 'picker' as const, ...describe(post), ...photoLinks(post, link), ...tail };
  }
  return {
    status: 'tunnel' as const,
    ...describe(post),
    ...videoLinks(post, link, preferCodec),
    ...tail,
  };
}

export type PostResponse = ReturnType<typeof toPostResponse>;

type MakeLink = (route: LinkRoute, asset: Asset) => string;

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
      // The predecessors had one avatar under four names; frontends read any of them.
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

/** For pages that want no request to TikTok from their visitors' browsers. */
function imageLinks(post: Post, link: MakeLink) {
  const linkTo = (kind: 'cover' | 'avatar') =>
    assetSource(post, { kind }) ? link('download', { kind }) : '';
  return { cover: linkTo('cover'), avatar: linkTo('avatar') };
}

function videoLinks(post: Post, link: MakeLink, preferCodec: 'h264' | 'best') {
  const chosen = chooseRenditions(post.renditions, preferCodec);
  const linked = post.renditions.map((one) => ({
    rendition: one,
    link: link('stream', { kind: 'video', rendition: one.id }),
  }));
  const linkTo = (one: Rendition | null) => linked.find(({ rendition }) => rendition === one)?.link;
  return {
    download_link: {
      no_watermark: linkTo(chosen.standard),
      no_watermark_hd: linkTo(chosen.hd),
      watermark: linkTo(chosen.watermark),
      mp3: link('download', { kind: 'mp3' }),
    },
    formats: linked.map(({ rendition, link: address }) => ({
      id: rendition.id,
      codec: rendition.codec,
      width: rendition.width,
      height: rendition.height,
      bitrate: rendition.bitrate,
      size: rendition.size,
      has_audio: rendition.hasAudio,
      watermark: rendition.watermark,
      link: address,
    })),
  };
}

function subtitleLinks(post: Post, link: MakeLink) {
  return post.subtitles.map(({ language, source }) => ({
    language,
    source,
    // Whatever TikTok keeps them as, subtitles/ makes WebVTT of it.
    format: 'vtt' as const,
    link: link('download', { kind: 'subtitle', language, source }),
  }));
}

function photoLinks(post: Post, link: MakeLink) {
  const photos = post.photos.map((photo, index) => ({
    type: 'photo' as const,
    url: photo.urls[0] ?? '',
    width: photo.width,
    height: photo.height,
    link: link('download', { kind: 'photo', index }),
  }));
  return {
    photos,
    download_link: {
      no_watermark: photos.map((photo) => photo.link),
      ...(assetSource(post, { kind: 'mp3' }) && { mp3: link('download', { kind: 'mp3' }) }),
      zip: link('download', { kind: 'zip' }),
    },
    download_slideshow_link: link('download-slideshow', { kind: 'slideshow' }),
  };
}

export function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

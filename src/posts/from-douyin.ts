import { completePost } from './complete-post.ts';
import type { Photo, Post, PostRef, Sound } from './post.ts';
import {
  asCount,
  asObject,
  asObjects,
  asPositive,
  asString,
  asTimestamp,
  asUrls,
  secondsToMs,
} from './raw.ts';
import { readRenditions } from './renditions.ts';
import type { Extracted, Raw } from './ytdlp.ts';

/** A post out of what yt-dlp read from Douyin's web API (aweme_detail, snake_case; times in milliseconds). */
export function postFromDouyin(extracted: Extracted, asked: PostRef, egress: string): Post {
  const { info, item } = extracted;
  const video = asObject(item.video);
  const author = asObject(item.author);
  const photos = readPhotos(item);
  const stats = asObject(item.statistics);
  const sound = readSound(asObject(item.music));
  const id = asString(item.aweme_id) || asString(info.id) || asked.id;
  const description = asString(item.desc) || asString(info.description);
  return completePost({
    ref: {
      platform: 'douyin',
      id,
      user: asString(author.unique_id) || asString(author.short_id) || asString(author.uid),
    },
    kind: photos.length > 0 ? 'photo' : 'video',
    title: description || `Douyin video #${id}`,
    description,
    createdAt: asTimestamp(item.create_time) ?? asTimestamp(info.timestamp),
    cover: firstLink(video.cover) ?? firstLink(video.origin_cover) ?? photos[0]?.urls[0] ?? null,
    durationMs:
      asCount(video.duration) || (photos.length > 0 ? (sound?.durationMs ?? 0) : secondsToMs(info.duration)),
    author: {
      nickname: asString(author.nickname) || asString(info.channel),
      uniqueId: asString(author.unique_id) || asString(author.short_id) || asString(info.uploader),
      signature: asString(author.signature),
      avatarThumb: firstLink(author.avatar_thumb) ?? '',
      avatarMedium: firstLink(author.avatar_medium) ?? firstLink(author.avatar_thumb) ?? '',
      avatarLarger: firstLink(author.avatar_larger) ?? firstLink(author.avatar_thumb) ?? '',
    },
    statistics: {
      play: asCount(stats.play_count),
      digg: asCount(stats.digg_count),
      comment: asCount(stats.comment_count),
      share: asCount(stats.share_count),
      collect: asCount(stats.collect_count),
    },
    renditions: photos.length > 0 ? [] : readRenditions(info.formats ?? [], item),
    photos,
    subtitles: [],
    sound,
    cookies: extracted.cookies,
    egress,
  });
}

function readPhotos(item: Raw): Photo[] {
  return asObjects(item.images)
    .map((image) => ({
      width: asPositive(image.width),
      height: asPositive(image.height),
      urls: asUrls(image.url_list),
    }))
    .filter((photo) => photo.urls.length > 0);
}

function readSound(music: Raw): Sound | null {
  const urls = asUrls(asObject(music.play_url).url_list);
  if (urls.length === 0 && !asString(music.title)) return null;
  return {
    title: asString(music.title),
    author: asString(music.author),
    album: asString(music.album),
    durationMs: secondsToMs(music.duration),
    cover: firstLink(music.cover_large),
    urls,
  };
}

function firstLink(picture: unknown): string | null {
  return asUrls(asObject(picture).url_list)[0] ?? null;
}

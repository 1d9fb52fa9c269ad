import { finishPost } from './finish.ts';
import type { Photo, Post, PostRef, Sound } from './post.ts';
import { count, links, milliseconds, moment, positive, record, records, text } from './raw.ts';
import { readRenditions } from './renditions.ts';
import type { Extracted, Raw } from './ytdlp.ts';

/** A post out of what yt-dlp read from Douyin's web API (aweme_detail, snake_case; times in milliseconds). */
export function postFromDouyin(extracted: Extracted, asked: PostRef, egress: string): Post {
  const { info, item } = extracted;
  const video = record(item.video);
  const author = record(item.author);
  const photos = readPhotos(item);
  const stats = record(item.statistics);
  const sound = readSound(record(item.music));
  const id = text(item.aweme_id) || text(info.id) || asked.id;
  const description = text(item.desc) || text(info.description);
  return finishPost({
    ref: {
      platform: 'douyin',
      id,
      user: text(author.unique_id) || text(author.short_id) || text(author.uid),
    },
    kind: photos.length > 0 ? 'photo' : 'video',
    title: description || `Douyin video #${id}`,
    description,
    createdAt: moment(item.create_time) ?? moment(info.timestamp),
    cover: firstLink(video.cover) ?? firstLink(video.origin_cover) ?? photos[0]?.urls[0] ?? null,
    durationMs:
      count(video.duration) || (photos.length > 0 ? (sound?.durationMs ?? 0) : milliseconds(info.duration)),
    author: {
      nickname: text(author.nickname) || text(info.channel),
      uniqueId: text(author.unique_id) || text(author.short_id) || text(info.uploader),
      signature: text(author.signature),
      avatarThumb: firstLink(author.avatar_thumb) ?? '',
      avatarMedium: firstLink(author.avatar_medium) ?? firstLink(author.avatar_thumb) ?? '',
      avatarLarger: firstLink(author.avatar_larger) ?? firstLink(author.avatar_thumb) ?? '',
    },
    statistics: {
      play: count(stats.play_count),
      digg: count(stats.digg_count),
      comment: count(stats.comment_count),
      share: count(stats.share_count),
      collect: count(stats.collect_count),
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
  return records(item.images)
    .map((image) => ({
      width: positive(image.width),
      height: positive(image.height),
      urls: links(image.url_list),
    }))
    .filter((photo) => photo.urls.length > 0);
}

function readSound(music: Raw): Sound | null {
  const urls = links(record(music.play_url).url_list);
  if (urls.length === 0 && !text(music.title)) return null;
  return {
    title: text(music.title),
    author: text(music.author),
    album: text(music.album),
    durationMs: milliseconds(music.duration),
    cover: firstLink(music.cover_large),
    urls,
  };
}

function firstLink(picture: unknown): string | null {
  return links(record(picture).url_list)[0] ?? null;
}

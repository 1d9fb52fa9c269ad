import { finishPost } from './finish.ts';
import type { Author, Photo, Post, PostRef, Sound, Statistics, Subtitle } from './post.ts';
import { count, link, links, milliseconds, moment, positive, record, records, text } from './raw.ts';
import { readRenditions } from './renditions.ts';
import type { Extracted, Raw } from './ytdlp.ts';

/** A post out of what yt-dlp read from TikTok's page. The raw item leads; yt-dlp's reading fills its gaps. */
export function postFromTikTok(extracted: Extracted, asked: PostRef, egress: string): Post {
  const { info, item } = extracted;
  const video = record(item.video);
  const photos = readPhotos(record(item.imagePost));
  const sound = readSound(extracted);
  const author = readAuthor(extracted);
  const id = text(item.id) || text(info.id) || asked.id;
  const description = text(item.desc) || text(info.description);
  return finishPost({
    ref: { platform: 'tiktok', id, user: author.uniqueId || asked.user || '' },
    kind: photos.length > 0 ? 'photo' : 'video',
    title: description || text(record(item.imagePost).title) || `TikTok video #${id}`,
    description,
    createdAt: moment(item.createTime) ?? moment(info.timestamp),
    cover:
      link(video.cover) ?? link(video.originCover) ?? photos[0]?.urls[0] ?? link(info.thumbnails?.[0]?.url),
    durationMs:
      milliseconds(video.duration) ||
      (photos.length > 0 ? (sound?.durationMs ?? 0) : milliseconds(info.duration)),
    author,
    statistics: readStatistics(extracted),
    renditions: photos.length > 0 ? [] : readRenditions(info.formats ?? [], item),
    photos,
    subtitles: readSubtitles(video),
    sound,
    cookies: extracted.cookies,
    egress,
  });
}

function readAuthor({ info, item }: Extracted): Author {
  const author = record(item.author);
  return {
    nickname: text(author.nickname) || text(info.channel),
    uniqueId: text(author.uniqueId) || text(info.uploader),
    signature: text(author.signature),
    avatarThumb: link(author.avatarThumb) ?? '',
    avatarMedium: link(author.avatarMedium) ?? '',
    avatarLarger: link(author.avatarLarger) ?? '',
  };
}

function readStatistics({ info, item }: Extracted): Statistics {
  // Where both are there, statsV2 is exact and stats is rounded for the eye (844400).
  const stats = { ...record(item.stats), ...record(item.statsV2) };
  return {
    play: count(stats.playCount ?? info.view_count),
    digg: count(stats.diggCount ?? info.like_count),
    comment: count(stats.commentCount ?? info.comment_count),
    share: count(stats.shareCount ?? info.repost_count),
    collect: count(stats.collectCount ?? info.save_count),
  };
}

function readPhotos(imagePost: Raw): Photo[] {
  return records(imagePost.images)
    .map((image) => ({
      width: positive(image.imageWidth),
      height: positive(image.imageHeight),
      urls: links(record(image.imageURL).urlList),
    }))
    .filter((photo) => photo.urls.length > 0);
}

/**
 * One for each language and source: pages list the same translation by up to six engines (`Version` "4",
 * "4:agent_gpt", …), TikTok's own first, and a link names a subtitle by these two.
 */
function readSubtitles(video: Raw): Subtitle[] {
  const found = new Map<string, Subtitle>();
  for (const one of records(video.subtitleInfos)) {
    const url = link(one.Url);
    const language = text(one.LanguageCodeName);
    const source = text(one.Source);
    const key = `${language} ${source}`;
    if (!url || found.has(key)) continue;
    found.set(key, { language, source, urls: [url] });
  }
  return [...found.values()];
}

function readSound({ info, item }: Extracted): Sound | null {
  const music = record(item.music);
  const url = link(music.playUrl) ?? link(info.formats?.find((format) => format.vcodec === 'none')?.url);
  const title = text(music.title) || text(info.track);
  if (!url && !title) return null;
  return {
    title,
    author: text(music.authorName) || (info.artists ?? []).join(', '),
    album: text(music.album) || text(info.album),
    durationMs: milliseconds(music.duration),
    cover: link(music.coverLarge) ?? link(music.coverMedium),
    urls: url ? [url] : [],
  };
}

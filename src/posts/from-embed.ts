import { completePost, type ReadContext } from './complete-post.ts';
import { createdAtOf } from './created-at.ts';
import type { Photo, Post, Sound } from './post.ts';
import {
  asObject,
  asObjects,
  asPositive,
  asString,
  asTimestamp,
  asUrl,
  asUrls,
  type Raw,
  secondsToMs,
} from './raw.ts';
import { readRenditions } from './renditions.ts';
import { readStatistics, unknownFields } from './statistics.ts';

/**
 * A post from the `videoData` of TikTok's embed page (`/embed/v2/ID`). Its one video file may carry the watermark, so
 * it is never offered as a clean one; counts of well-known posts are rounded.
 */
export function postFromEmbed(videoData: Raw, context: ReadContext): Post {
  const item = asObject(videoData.itemInfos);
  const author = asObject(videoData.authorInfos);
  const video = asObject(item.video);
  const meta = asObject(video.videoMeta);
  const photos = readPhotos(asObject(videoData.imagePostInfo));
  const sound = readSound(asObject(videoData.musicInfos));
  const id = itemIdOfEmbed(videoData) ?? context.ref.id;
  const description = asString(item.text);
  const avatar = firstUrl(author.covers) ?? '';
  const { statistics, unknown } = readStatistics({
    play: item.playCount,
    digg: item.diggCount,
    comment: item.commentCount,
    share: item.shareCount,
  });
  const isPhotoPost = photos.length > 0;
  const uniqueId = asString(author.uniqueId);
  return completePost(
    {
      ref: { platform: 'tiktok', id, user: uniqueId || context.ref.user || '' },
      kind: isPhotoPost ? 'photo' : 'video',
      title: description || `TikTok video #${id}`,
      description,
      createdAt: asTimestamp(item.createTime) ?? createdAtOf(id),
      cover: firstUrl(item.covers) ?? firstUrl(item.coversOrigin) ?? photos[0]?.urls[0] ?? null,
      durationMs: secondsToMs(meta.duration) || (isPhotoPost ? (sound?.durationMs ?? 0) : 0),
      author: {
        nickname: asString(author.nickName),
        uniqueId,
        signature: asString(author.signature),
        avatarThumb: avatar,
        avatarMedium: avatar,
        avatarLarger: avatar,
      },
      statistics,
      renditions: isPhotoPost
        ? []
        : readRenditions([{ urls: video.urls, width: meta.width, height: meta.height, watermark: true }]),
      photos,
      subtitles: [],
      sound,
      partial: [
        ...unknownFields({ artist: videoData.musicInfos, 'author.signature': author.signature }),
        ...unknownFields({ audio: videoData.musicInfos, music_duration: videoData.musicInfos }),
        ...unknown,
        ...(isPhotoPost ? [] : ['download_link.no_watermark', 'download_link.no_watermark_hd', 'subtitles']),
      ],
    },
    context,
  );
}

/** The id that the item says of itself; null where it says none. */
export function itemIdOfEmbed(videoData: Raw): string | null {
  return asString(asObject(videoData.itemInfos).id) || null;
}

function readPhotos(imagePost: Raw): Photo[] {
  return asObjects(imagePost.displayImages)
    .map((image) => ({
      width: asPositive(image.width),
      height: asPositive(image.height),
      urls: asUrls(image.urlList),
      live: null,
    }))
    .filter((photo) => photo.urls.length > 0);
}

function readSound(music: Raw): Sound | null {
  const urls = asUrls(music.playUrl);
  const title = asString(music.musicName);
  if (!title && urls.length === 0) return null;
  return {
    title,
    author: asString(music.authorName),
    album: '',
    durationMs: secondsToMs(music.duration),
    cover: firstUrl(music.coverThumb),
    urls,
  };
}

/** Readers of the embed page disagree whether a picture is one address or a list. */
function firstUrl(value: unknown): string | null {
  return asUrl(value) ?? asUrls(value)[0] ?? null;
}

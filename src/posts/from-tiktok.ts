import { postFromPage } from './from-page.ts';
import { withYtdlpRenditions, type YtdlpFormat } from './from-ytdlp.ts';
import type { Post, PostRef } from './post.ts';
import { asObject, asObjects, type Raw } from './raw.ts';
import type { Extracted } from './ytdlp.ts';

/** A post out of an item whose addresses the host has moved to yt-dlp's formats. */
export function postFromTikTok({ info, item, cookies }: Extracted, ref: PostRef, egress: string): Post {
  const context = { ref, egress, source: 'page', cookies } as const;
  const post = postFromPage(
    { ...item, video: withAddresses(asObject(item.video), info.formats ?? []) },
    context,
  );
  const hasMedia = post.renditions.length > 0 || post.photos.length > 0;
  return hasMedia ? post : withYtdlpRenditions(post, info, context);
}

function withAddresses(video: Raw, formats: readonly YtdlpFormat[]): Raw {
  const whole = (file: unknown) => formats.find(({ url }) => url.split('?')[0] === file)?.url;
  const named = (id: string) => formats.find(({ format_id }) => format_id === id)?.url;
  const bitrateInfo = asObjects(video.bitrateInfo).map((gear) => {
    const address = asObject(gear.PlayAddr);
    const files = Array.isArray(address.UrlList) ? address.UrlList : [];
    return { ...gear, PlayAddr: { ...address, UrlList: files.map(whole) } };
  });
  return { ...video, bitrateInfo, playAddr: named('play'), downloadAddr: named('download') };
}

import type { ReadContext } from './complete-post.ts';
import { itemIdOfAweme, postFromAweme } from './from-aweme.ts';
import { itemIdOfEmbed, postFromEmbed } from './from-embed.ts';
import { itemIdOfPage, postFromPage } from './from-page.ts';
import { itemIdOfPlayer, postFromPlayer } from './from-player.ts';
import type { Post, SourceName } from './post.ts';
import type { Raw } from './raw.ts';

interface Reader {
  read: (raw: Raw, context: ReadContext) => Post;
  itemId: (raw: Raw) => string | null;
}

const page: Reader = { read: postFromPage, itemId: itemIdOfPage };
const aweme: Reader = { read: postFromAweme, itemId: itemIdOfAweme };

const READERS: Readonly<Record<SourceName, Reader>> = {
  page,
  player: { read: postFromPlayer, itemId: itemIdOfPlayer },
  mobile: page,
  embed: { read: postFromEmbed, itemId: itemIdOfEmbed },
  detail: aweme,
  share: aweme,
  slides: aweme,
  feed: aweme,
};

/** The post of a raw item, by the reader for its source. Any JSON gives a post; a foreign one gives an empty post. */
export function readPost(raw: Raw, context: ReadContext): Post {
  return READERS[context.source].read(raw, context);
}

/** The id that a raw item says of itself, to be compared with the requested one; null where it says none. */
export function itemId(raw: Raw, source: SourceName): string | null {
  return READERS[source].itemId(raw);
}

/** The stand-in for TikTok, controlled by messages. */
import { photoPost, type StandinOptions, startStandin, videoPost } from '../../test/helpers/standin/index.ts';

export interface StandinHello {
  proxyUrl: string;
  caFile: string;
}

export type StandinOrder =
  /** Milliseconds before each response, from now on. */
  | { latencyMs: number }
  /** Adds a post with files of that many bytes, or with that many photos. */
  | { videoBytes: number }
  | { photos: number }
  /** The last request for a file of this post. */
  | { requestFor: string };

export interface PostReply {
  id: string;
  url: string;
}

export interface RequestReply {
  url: string;
  headers: Record<string, string>;
}

// The stand-in reads its options at each request, so a change takes effect at once.
const options: StandinOptions = { latencyMs: 0, journalLimit: 2000 };
const standin = await startStandin(options);

function reply(order: StandinOrder): object {
  if ('latencyMs' in order) {
    options.latencyMs = order.latencyMs;
    return {};
  }
  if ('requestFor' in order) {
    const request = standin.journal.find({ postId: order.requestFor, kind: 'cdn' }).at(-1);
    if (!request) return { failed: 'no request for a file of this post' };
    const { cookie = '', referer = '' } = request.headers;
    return { url: request.url, headers: { cookie, referer } } satisfies RequestReply;
  }
  const { id, url } = standin.posts.add(
    'photos' in order ? photoPost({ photos: order.photos }) : videoPost({ bigBytes: order.videoBytes }),
  );
  return { id, url } satisfies PostReply;
}

process.on('message', (order: StandinOrder) => process.send?.(reply(order)));
process.on('SIGINT', () => {}); // Ctrl-C reaches the whole group; the benchmark ends this process.
process.on('disconnect', () => void standin.close().then(() => process.exit()));
process.send?.({ proxyUrl: standin.proxyUrl, caFile: standin.caFile } satisfies StandinHello);

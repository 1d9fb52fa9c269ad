import type { Logger } from 'pino';
import { type Address, NetworkList } from '../network-list.ts';
import type { PostRef } from '../posts/post.ts';
import { parsePostUrl } from '../posts/url.ts';
import { WatchedFile } from '../watched-file.ts';

interface Entries {
  /** Ids of posts. */
  posts: Set<string>;
  /** Lower-case @names, without the @. */
  authors: Set<string>;
  networks: NetworkList;
}

/**
 * Posts, authors and client networks that the service does not serve, from a file with one entry a line: a link to a
 * post or its id, an @name, an address or a network. `#` begins a comment.
 */
export class BlockList {
  readonly file: WatchedFile<Entries>;

  /** @throws Error that names the line which is no entry, or why the file cannot be read */
  constructor(path: string, log: Logger) {
    this.file = new WatchedFile({ path, name: 'block list', parse, log });
  }

  hasPost({ id, user }: PostRef, author: string = user ?? ''): boolean {
    const { posts, authors } = this.file.content;
    return posts.has(id) || authors.has(author.toLowerCase());
  }

  hasClient(address: Address): boolean {
    return this.file.content.networks.has(address);
  }
}

function parse(text: string): Entries {
  const entries: Entries = { posts: new Set(), authors: new Set(), networks: new NetworkList() };
  for (const [index, line] of text.split('\n').entries()) {
    const entry = line.replace(/(^|\s)#.*/, '').trim();
    if (entry !== '' && !add(entries, entry)) {
      throw new Error(
        `line ${index + 1} is neither a link to a post, an id, an @name, an address nor a network`,
      );
    }
  }
  return entries;
}

function add({ posts, authors, networks }: Entries, entry: string): boolean {
  const id = /^\d{1,25}$/.test(entry) ? entry : postIdOf(entry);
  if (id !== null) posts.add(id);
  else if (/^@\S+$/.test(entry)) authors.add(entry.slice(1).toLowerCase());
  else return networks.add(entry);
  return true;
}

/** Null for a short link too: what it leads to may change. */
function postIdOf(entry: string): string | null {
  const link = parsePostUrl(entry);
  return link?.kind === 'post' ? link.ref.id : null;
}

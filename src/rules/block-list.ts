import { readFileSync, statSync } from 'node:fs';
import { BlockList as Networks } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Logger } from 'pino';
import type { PostRef } from '../posts/post.ts';
import { parsePostUrl } from '../posts/url.ts';

/** How often the file is looked at, in milliseconds. */
const CHECK_MS = 2000;

interface Entries {
  /** Ids of posts. */
  posts: Set<string>;
  /** Lower-case @names, without the @. */
  authors: Set<string>;
  networks: Networks;
}

/**
 * Posts, authors and client networks that the service does not serve, from a file with one entry a line: a link to a
 * post or its id, an @name, an address or a network. `#` begins a comment.
 */
export class BlockList {
  readonly #path: string;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #version: string;
  #entries: Entries;

  /** @throws Error that names the line which is no entry, or why the file cannot be read */
  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
    this.#version = versionOf(path);
    this.#entries = parse(readFileSync(path, 'utf8'));
    this.#timer = setInterval(() => this.#refresh(), CHECK_MS).unref();
  }

  hasPost({ id, user }: PostRef, author: string = user ?? ''): boolean {
    return this.#entries.posts.has(id) || this.#entries.authors.has(author.toLowerCase());
  }

  hasClient(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
    return this.#entries.networks.check(address.toString(), address.kind());
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** A file that cannot be read, or has a wrong line, leaves the last good list in force. */
  #refresh(): void {
    try {
      const version = versionOf(this.#path);
      if (version === this.#version) return;
      this.#version = version;
      this.#entries = parse(readFileSync(this.#path, 'utf8'));
      const { posts, authors } = this.#entries;
      this.#log.info({ posts: posts.size, authors: authors.size }, 'block list read');
    } catch (error) {
      const { message } = error as Error;
      if (this.#version === message) return;
      this.#version = message;
      this.#log.error({ problem: message }, 'block list unusable: the last good one stays in force');
    }
  }
}

function versionOf(path: string): string {
  const { ctimeMs, size, ino } = statSync(path);
  return `${ctimeMs} ${size} ${ino}`;
}

function parse(text: string): Entries {
  const entries: Entries = { posts: new Set(), authors: new Set(), networks: new Networks() };
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
  else if (ipaddr.isValid(entry)) {
    const address = ipaddr.process(entry);
    networks.addAddress(address.toString(), address.kind());
  } else if (ipaddr.isValidCIDR(entry)) {
    const [address, bits] = ipaddr.parseCIDR(entry);
    networks.addSubnet(address.toString(), bits, address.kind());
  } else return false;
  return true;
}

/** Null for a short link too: what it leads to may change. */
function postIdOf(entry: string): string | null {
  const link = parsePostUrl(entry);
  return link?.kind === 'post' ? link.ref.id : null;
}

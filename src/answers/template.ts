import { randomBytes } from 'node:crypto';
import type { Links, PreparedLink } from '../links/index.ts';
import type { Post } from '../posts/post.ts';
import { type AnswerOptions, isoSeconds, toAnswer } from './answer.ts';

/** Stands where a token will be; random, so that no post can contain it. */
const MARK = randomBytes(12).toString('base64url');
const INDEX_DIGITS = 4;
const EXPIRY_KEY = '"links_expire_at":"';

interface Gap {
  link: PreparedLink;
  /** Offsets of its token: a rendition's link stands in `formats` and in `download_link`. */
  at: number[];
}

/**
 * The answer for one cached post, ready but for its links, which are made afresh for everybody who asks: only their
 * tokens differ, and those always have the same length. Filling it costs a copy and the encryption, a third of what
 * building the answer anew does (scripts/bench/cache.ts).
 */
export class AnswerTemplate {
  readonly #body: Buffer;
  readonly #gaps: Gap[];
  readonly #expiryAt: number;
  readonly #links: Pick<Links, 'expiryFromNow'>;

  constructor(
    post: Post,
    { links, preferCodec }: { links: Links; preferCodec: AnswerOptions['preferCodec'] },
  ) {
    const prepared: PreparedLink[] = [];
    const marked: AnswerOptions['links'] = {
      expiryFromNow: () => links.expiryFromNow(),
      make: (route, target) => {
        const link = links.prepare(route, target);
        const index = String(prepared.length).padStart(INDEX_DIGITS, '0');
        prepared.push(link);
        return link.prefix + (MARK + index).padEnd(link.tokenLength, '-');
      },
    };
    this.#links = links;
    this.#body = Buffer.from(JSON.stringify(toAnswer(post, { links: marked, preferCodec, cached: true })));
    this.#gaps = prepared.map((link) => ({ link, at: [] }));
    for (let at = this.#body.indexOf(MARK); at >= 0; at = this.#body.indexOf(MARK, at + MARK.length)) {
      const index = this.#body.toString('latin1', at + MARK.length, at + MARK.length + INDEX_DIGITS);
      this.#gaps[Number(index)]?.at.push(at);
    }
    this.#expiryAt = this.#body.lastIndexOf(EXPIRY_KEY) + EXPIRY_KEY.length;
  }

  /** The answer as UTF-8 JSON, with links of its own. */
  fill(): Buffer {
    const expiresAt = this.#links.expiryFromNow();
    const body = Buffer.allocUnsafe(this.#body.length);
    this.#body.copy(body);
    body.write(isoSeconds(expiresAt), this.#expiryAt, 'latin1');
    for (const { link, at } of this.#gaps) {
      const token = link.seal(expiresAt);
      for (const offset of at) body.write(token, offset, 'latin1');
    }
    return body;
  }
}

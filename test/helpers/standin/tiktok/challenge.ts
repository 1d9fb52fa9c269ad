import { createHash, randomBytes, randomInt } from 'node:crypto';
import { digest, type Signer } from '../signing.ts';

const COOKIE = '_wafchallengeid';
/** Seconds in which a challenge has to be answered. */
const LIFE = 120;
const SDK = 'https://sf16-website-login.neutral.ttwstatic.com/obj/tiktok_web_login_static';

interface Puzzle {
  v: { a: string; b: number; c: string };
  s: string;
}

function isAnswer(value: unknown): value is Puzzle & { d: string } {
  const { v, s, d } = (value ?? {}) as Partial<Puzzle & { d: string }>;
  return (
    typeof d === 'string' && typeof s === 'string' && typeof v?.a === 'string' && typeof v.c === 'string'
  );
}

/** The firewall's page: find the number whose SHA-256 behind a given prefix is a given one. */
export class Challenge {
  #signer: Signer;
  #used = new Set<string>();
  /** Answers that were right, and wrong. */
  readonly answers = { right: 0, wrong: 0 };

  constructor(signer: Signer) {
    this.#signer = signer;
  }

  /** A fresh one; its number is below `limit`, so that solving it costs nearly nothing. */
  page(limit = 2000): Buffer[] {
    const prefix = randomBytes(32);
    const sum = createHash('sha256')
      .update(prefix)
      .update(String(randomInt(limit)))
      .digest();
    const v = { a: prefix.toString('base64'), b: Math.floor(Date.now() / 1000), c: sum.toString('base64') };
    const puzzle: Puzzle = { v, s: this.#seal(v) };
    const hidden = Buffer.from(JSON.stringify(puzzle)).toString('base64').replace(/=+$/, '');
    return [
      Buffer.from(
        '<!DOCTYPE html> <html lang="en"> <head> <link rel="icon" href="data:;base64,="> <script ' +
          'id="slardar-config" type="application/json"> { "slardarClient": "SlardarWAF", "bid": "slardar_us_waf" } ' +
          `</script> <script src="${SDK}/slardar/sdk-pre/browser.web.pre.js" crossorigin="anonymous"></script> ` +
          `</head> <body> Please wait... <p id="wci" class="${COOKIE}"></p> <p id="cs" class="${hidden}"></p> ` +
          '<p id="rci" class="waforiginalreid"></p> <p id="rs" class=""></p> <p id="place_hold" ' +
          'class="support original referer"></p> <script tpye="text/javascript" ' +
          `src="${SDK}/waf-aiso/dd9806.js"></script> </body> </html>`,
      ),
    ];
  }

  /** Whether the cookie is the right answer to a challenge of ours, in time and for the first time. */
  isSolved(cookies: Map<string, string>): boolean {
    const cookie = cookies.get(COOKIE);
    if (cookie === undefined) return false;
    const right = this.#check(cookie);
    this.answers[right ? 'right' : 'wrong'] += 1;
    return right;
  }

  #check(cookie: string): boolean {
    const text = Buffer.from(cookie, 'base64');
    if (text.toString('base64') !== cookie) return false;
    let answer: unknown;
    try {
      answer = JSON.parse(text.toString());
    } catch {
      return false;
    }
    if (!isAnswer(answer) || answer.s !== this.#seal(answer.v) || this.#used.has(answer.s)) return false;
    if (Date.now() / 1000 - answer.v.b > LIFE) return false;
    const number = Buffer.from(answer.d, 'base64').toString();
    const hash = createHash('sha256').update(Buffer.from(answer.v.a, 'base64')).update(number);
    if (!/^\d{1,6}$/.test(number) || hash.digest('base64') !== answer.v.c) return false;
    this.#used.add(answer.s);
    return true;
  }

  #seal(v: Puzzle['v']): string {
    return digest(this.#signer.sign(v.a, String(v.b), v.c)).toString('base64');
  }
}

// @ts-check
import { isIP } from 'node:net';

/** Parameters of links that say what a file is; all others may sign it or name who asked. */
const KEPT_PARAMETERS = new Set(
  (
    'a aid aweme_id aweme_ids bitrate br bt cd ch codec_type cr cs dr ds er expire faid file_id ft is_play_url ' +
    'item_id item_ids line lr media_type mime_type modal_id policy qs ratio redirect_url tk url video_id vr x-expires'
  ).split(' '),
);
const AMPERSAND = String.raw`[?&]|\\u0026|&amp;|%26|%3F`;
const EQUALS = String.raw`=|%3D|\\u003d`;
const PARAMETER = new RegExp(
  String.raw`(${AMPERSAND})([\w.-]{1,40})(${EQUALS})((?:[\w.~+/:=,;|!*@$()-]|\\u00(?:2b|2f|3d)|%(?!26|3F)[\da-f]{2})+)`,
  'gi',
);

/** `/<md5>/<hexadecimal time>/`: a signature in the path of a file. */
const PATH_SIGNATURE = /(?<=(?:\/|\\u002f|%2f))[\da-f]{32}(?=(?:\/|\\u002f|%2f)[\da-f]{8}\b)/gi;
/** ByteDance's ids of a request: its time, then its client's address among hexadecimal digits. */
const LOG_ID = /(?<!\d)20\d{12}[\da-f]{16,24}(?!\w)/gi;
/** JSON in base64: JSON web tokens, and what TikTok's challenge is made from. */
const BASE64_JSON = /(?<![\w/+])eyJ[\w+/=.-]{12,}/g;
const IPV4 = /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/g;
const IPV6 = /(?<![\w:.])[\da-f]{0,4}(?::[\da-f]{0,4}){2,7}(?![\w:.])/gi;

/** Names of values that belong to a client, in JSON, scripts, attributes and cookies. */
const SECRET_NAME = [
  String.raw`[\w-]*(?:token|csrf|nonce|cookie|session|passport|bogus|gnarly|ttwid|__ac_sign)[\w-]*`,
  String.raw`[\w-]*(?:log|request|trace|web|device|install|odin)_?id`,
  'wid|did|iid|fp|verifyFp|with_sec_did|share_sign|sid_tt|sid_guard|(?:client|user|remote)?_?ip|email|phone|mobile',
].join('|');
const NAMED = new RegExp(
  String.raw`(?<![\w-])((?:${SECRET_NAME})\\?["']?\s*[:=]\s*\\?["']?)(?!(?:true|false|null)\b)([\w+/=.:%~|-]{4,})`,
  'gi',
);
/** `signature` is also a biography. */
const SIGNATURE = /("signature\w*\\?"\s*:\s*\\?")([\w+/=-]{16,})(?=\\?")/gi;

/** Parts of a page about the client, which may be logged in. */
const CLIENT_PARTS = ['webapp.app-context', 'webapp.biz-context', 'odin', 'commonContext'];

/** Shorter cookies name regions and settings. */
const MIN_SECRET = 12;

/**
 * A response without what belongs to the client or signs a link: cookies, tokens, signatures, ids of requests, IP
 * addresses. Lengths, hosts, paths and ids of posts stay; letters become `x` and digits `1`.
 * @param {string} text
 * @param {Iterable<string>} secrets known values
 */
export function blotOut(text, secrets) {
  let blotted = CLIENT_PARTS.reduce(emptyObject, text);
  for (const secret of [...secrets].filter(({ length }) => length >= MIN_SECRET)) {
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
      blotted = blotted.replaceAll(form, blank(form));
    }
  }
  return blotted
    .replace(PARAMETER, (all, before, name, equals, value) => {
      const isKept = KEPT_PARAMETERS.has(name) && (name !== 'tk' || value === 'tt_chain_token');
      return isKept ? all : before + name + equals + blank(value);
    })
    .replace(PATH_SIGNATURE, (found) => '0'.repeat(found.length))
    .replace(LOG_ID, blank)
    .replace(BASE64_JSON, blank)
    .replace(NAMED, (_, name, value) => name + blank(value))
    .replace(SIGNATURE, (_, name, value) => name + blank(value))
    .replace(IPV4, (found) => (isIP(found) ? '0.0.0.0' : found))
    .replace(IPV6, (found) => (found.length > 4 && isIP(found) ? '::' : found));
}

/** @param {string} value */
function blank(value) {
  // Escapes stay, so that JSON and URLs remain readable.
  return value.replace(/(\\u[\da-f]{4}|%[\da-f]{2})|[a-z]|\d/gi, (found, escaped) =>
    escaped ? found : /\d/.test(found) ? '1' : 'x',
  );
}

/**
 * Empties every JSON object of a name.
 * @param {string} text
 * @param {string} name
 */
function emptyObject(text, name) {
  const start = new RegExp(`"${name}"\\s*:\\s*\\{`, 'g');
  let result = '';
  let done = 0;
  for (let found = start.exec(text); found; found = start.exec(text)) {
    result += `${text.slice(done, start.lastIndex)}}`;
    done = endOfObject(text, start.lastIndex);
    start.lastIndex = done;
  }
  return result + text.slice(done);
}

/**
 * @param {string} text
 * @param {number} start behind the opening brace
 */
function endOfObject(text, start) {
  const token = /"(?:[^"\\]|\\.)*"|[{}]/gs;
  token.lastIndex = start;
  let depth = 1;
  for (let found = token.exec(text); found; found = token.exec(text)) {
    if (found[0] === '{') depth += 1;
    else if (found[0] === '}') depth -= 1;
    if (depth === 0) return token.lastIndex;
  }
  return text.length;
}

import { ask, type Circumstances, type Question, type UpstreamAnswer } from './ask.ts';
import type { ResumePoint } from './body.ts';
import { establishFacts, type MediaFacts } from './facts.ts';
import type { ByteRange } from './range.ts';
import { HEAD_BYTES } from './sniff.ts';
import { LinkFailure, type MediaSource } from './source.ts';

/** Up to here an answer of unknown length (subtitles from an API, chunked) is read in full to learn it. */
const MAX_UNKNOWN_BYTES = 4 * 1024 * 1024;

export interface Opening extends Circumstances {
  link: string;
  source: MediaSource;
  /** Told while bytes are being skipped. */
  alive: () => void;
}

export interface Begun {
  facts: MediaFacts;
  answer: UpstreamAnswer;
}

/** Opens the file at its start, `whole` or only as much as tells what it is. */
export async function openStart(opening: Opening, whole: boolean): Promise<Begun> {
  const range = whole ? null : { start: 0, end: HEAD_BYTES - 1 };
  try {
    return await begin(opening, range);
  } catch (error) {
    if (!(error instanceof LargeWithoutLength) || range !== null) throw error;
    // Asked for a range, a server that streams without a length says how large the file is.
    return begin(opening, { start: 0 });
  }
}

class LargeWithoutLength extends LinkFailure {}

function begin(opening: Opening, range: Question['range']): Promise<Begun> {
  return asking(opening, range, null, async (answer) => {
    const { transfer } = answer;
    const size = answer.size ?? (await transfer.head(MAX_UNKNOWN_BYTES)).length;
    if (answer.size === null && size >= MAX_UNKNOWN_BYTES) {
      throw new LargeWithoutLength('length', 'a large body without a length');
    }
    const head = await transfer.head(Math.min(HEAD_BYTES, size));
    const facts = await establishFacts(head, size, answer.lastModified);
    if (!facts) throw new LinkFailure('no-media', `${head.length} bytes of no known type`);
    return { facts, answer: { ...answer, size } };
  });
}

/** Opens a known file at `range.start`. The size has to agree, and the start where the server sends it all. */
export function openRange(opening: Opening, range: ByteRange, facts: MediaFacts): Promise<UpstreamAnswer> {
  return asking(opening, range, null, async (answer) => {
    await sameFile(answer, facts);
    await answer.transfer.skip(range.start - answer.start, opening.alive);
    await someBytes(answer);
    return answer;
  });
}

/**
 * Opens a file in the middle to go on with a body that broke. The link that broke is held to its own validator
 * and asked for the exact byte. Any other answer has to repeat the last bytes delivered: a new extraction may
 * hand out a file of the same size that was encoded again. That is no proof of the bytes to come, so once the link
 * that broke has another file (`replaced`), another answer has to be of the old one by its tag or date as well.
 */
export function openResume(
  opening: Opening,
  point: ResumePoint,
  facts: MediaFacts,
  replaced: boolean,
): Promise<UpstreamAnswer> {
  const { position, end, tail, broken } = point;
  const validator = opening.link === broken.link ? broken.validator : null;
  const start = validator === null ? position - tail.length : position;
  return asking(opening, { start, end }, validator, async (answer) => {
    if (validator !== null && answer.validator !== null && answer.validator !== validator) {
      throw new LinkFailure('changed', 'another validator at the same link');
    }
    if (replaced && !isOfSameVersion(answer, broken)) {
      throw new LinkFailure('changed', 'the link that broke has another file, and so may this one');
    }
    await sameFile(answer, facts);
    if (answer.start < position) {
      await answer.transfer.skip(position - tail.length - answer.start, opening.alive);
      if (!tail.equals(await answer.transfer.head(tail.length))) {
        throw new LinkFailure('changed', 'other bytes before the point of resuming');
      }
      await answer.transfer.skip(tail.length, opening.alive);
    }
    await someBytes(answer);
    return answer;
  });
}

async function sameFile(answer: UpstreamAnswer, facts: MediaFacts): Promise<void> {
  if (answer.size !== null && answer.size !== facts.size) {
    throw new LinkFailure('changed', `${answer.size} bytes instead of ${facts.size}`);
  }
  if (answer.start !== 0) return;
  const expected = Math.min(HEAD_BYTES, facts.size);
  const head = await answer.transfer.head(expected);
  if (head.length < expected && answer.transfer.status === 206) return;
  const found = await establishFacts(head, facts.size, null);
  if (found?.etag !== facts.etag) throw new LinkFailure('changed', 'another start');
}

/** Mirrors have tags of their own for the same bytes, but the date is mostly that of the upload. */
function isOfSameVersion(
  answer: UpstreamAnswer,
  { validator, lastModified }: ResumePoint['broken'],
): boolean {
  return (
    (validator !== null && answer.validator === validator) ||
    (lastModified !== null && answer.lastModified === lastModified)
  );
}

async function someBytes({ transfer }: UpstreamAnswer): Promise<void> {
  if ((await transfer.head(1)).length === 0) throw new LinkFailure('no-media', 'no bytes');
}

/** Asks, examines, and lets no socket behind when the examination fails. */
async function asking<T>(
  opening: Opening,
  range: Question['range'],
  validator: string | null,
  examine: (answer: UpstreamAnswer) => Promise<T>,
): Promise<T> {
  const answer = await ask({ source: opening.source, link: opening.link, range, validator }, opening);
  try {
    return await examine(answer);
  } catch (error) {
    answer.transfer.destroy();
    throw error;
  }
}

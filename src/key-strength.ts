/** Keys that predecessors, tutorials and this repository's examples made public. */
const PUBLIC_KEY =
  /overflow|change[-_ ]?me|secret[-_ ]?key|your[-_ ].*key|example|default|password|^(.)\1+$|1234567/i;

/** Characters in the order of the alphabet and of keyboards. */
const SEQUENCES = ['abcdefghijklmnopqrstuvwxyz', '01234567890', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm'];

const MIN_DIFFERENT = 6;

/** Whether an encryption key is a known one, or can be guessed: few characters, or runs of neighbours. */
export function isWeakKey(key: string): boolean {
  return PUBLIC_KEY.test(key) || new Set(key).size < MIN_DIFFERENT || isMostlySequence(key.toLowerCase());
}

function isMostlySequence(key: string): boolean {
  const pairs = Array.from({ length: key.length - 1 }, (_, at) => key.slice(at, at + 2));
  const inOrder = pairs.filter((pair) => {
    const reversed = `${pair[1]}${pair[0]}`;
    return SEQUENCES.some((sequence) => sequence.includes(pair) || sequence.includes(reversed));
  });
  return inOrder.length > pairs.length / 2;
}

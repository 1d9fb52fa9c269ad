// @ts-check

/**
 * @typedef {object} Finding
 * @property {string} topic
 * @property {'good' | 'warn' | 'bad'} state bad: the service does not do its work like this
 * @property {string} says
 * @property {string} [fix] what to do; there where the state is not good
 */

const MARKS = { good: 'ok  ', warn: 'look', bad: 'BAD ' };

/**
 * What to do first, then everything that was looked at, then the rest of what to do.
 * @param {readonly Finding[]} findings in the order in which things depend on each other
 * @returns {number} the exit code
 */
export function print(findings) {
  const bad = findings.filter(({ state }) => state === 'bad');
  const worst = [...bad, ...findings.filter(({ state }) => state === 'warn')];
  const fixes = worst.map(({ topic, fix }) => `${topic}: ${fix}`);
  const width = Math.max(...findings.map(({ topic }) => topic.length));
  const lines = [
    fixes.length === 0 ? 'Nothing to mend.' : `First mend ${fixes[0]}`,
    '',
    ...findings.map(({ state, topic, says }) => `${MARKS[state]}  ${topic.padEnd(width)}  ${says}`),
  ];
  if (fixes.length > 1) lines.push('', 'What to mend, first things first:');
  if (fixes.length > 1) lines.push(...fixes.map((fix, index) => `  ${index + 1}. ${fix}`));
  process.stdout.write(`${lines.join('\n')}\n`);
  return bad.length > 0 ? 1 : 0;
}

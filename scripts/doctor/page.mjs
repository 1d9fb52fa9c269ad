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
 * @param {readonly Finding[]} findings
 * @returns {number} the exit code
 */
export function print(findings) {
  const width = Math.max(...findings.map(({ topic }) => topic.length));
  const lines = findings.map(({ state, topic, says }) => `${MARKS[state]}  ${topic.padEnd(width)}  ${says}`);
  const bad = findings.filter(({ state }) => state === 'bad');
  const fixes = [...bad, ...findings.filter(({ state }) => state === 'warn')].filter(({ fix }) => fix);
  lines.push('');
  if (fixes.length === 0) lines.push('Nothing to mend.');
  else lines.push('What to mend, first things first:');
  lines.push(...fixes.map(({ topic, fix }, index) => `  ${index + 1}. ${topic}: ${fix}`));
  process.stdout.write(`${lines.join('\n')}\n`);
  return bad.length > 0 ? 1 : 0;
}

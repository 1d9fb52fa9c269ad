// @ts-check

/**
 * @typedef {object} Finding
 * @property {string} topic
 * @property {'ok' | 'warn' | 'error'} state error: the service does not work like this
 * @property {string} says
 * @property {string} [fix] what to do; set unless the state is ok
 */

/**
 * What to fix first, all findings, and everything to fix.
 * @param {readonly Finding[]} findings causes before what they cause
 */
export function formatPage(findings) {
  const problems = ['error', 'warn'].flatMap((state) =>
    findings.filter((finding) => finding.state === state),
  );
  const fixes = problems.map(({ topic, fix }) => `${topic}: ${fix}`);
  const width = Math.max(...findings.map(({ topic }) => topic.length));
  const lines = [
    fixes.length === 0 ? 'No problems found.' : `Fix first: ${fixes[0]}`,
    '',
    ...findings.map(({ state, topic, says }) => `${state.padEnd(5)}  ${topic.padEnd(width)}  ${says}`),
  ];
  if (fixes.length > 1)
    lines.push('', 'To fix, in this order:', ...fixes.map((fix, n) => `  ${n + 1}. ${fix}`));
  return `${lines.join('\n')}\n`;
}

/** @param {readonly Finding[]} findings */
export function exitCodeOf(findings) {
  return findings.some(({ state }) => state === 'error') ? 1 : 0;
}

// @ts-check
import { spawn } from 'node:child_process';

/**
 * @typedef {object} Outcome
 * @property {boolean} ok exit code 0 within the time limit
 * @property {string} stdout
 * @property {string} stderr
 * @property {string} reason why it failed; empty when it did not
 */

/**
 * Runs a program and waits for its end. Never throws: a missing program is an outcome too.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ timeoutMs: number, env?: NodeJS.ProcessEnv, cwd?: string }} options after the time limit the
 *   program's process group is killed, because pip and npm start others
 * @returns {Promise<Outcome>}
 */
export function run(command, args, { timeoutMs, env = process.env, cwd }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      ...(cwd === undefined ? {} : { cwd }),
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let stdout = '';
    let stderr = '';
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child.pid);
    }, timeoutMs);
    // Ctrl-C in the terminal does not reach another process group.
    /** @param {NodeJS.Signals} signal */
    const onSignal = (signal) => {
      killGroup(child.pid);
      process.exit(signal === 'SIGINT' ? 130 : 143);
    };
    process.once('SIGINT', onSignal);
    process.once('SIGTERM', onSignal);
    /** @param {string} reason */
    const finish = (reason) => {
      clearTimeout(timer);
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
      resolve({ ok: reason === '', stdout, stderr, reason });
    };
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.once('error', (error) => finish(error.message));
    child.once('close', (code, signal) => {
      if (timedOut) finish(`not finished after ${timeoutMs / 1000} s`);
      else if (code === 0) finish('');
      else finish(lastLine(stderr) || lastLine(stdout) || `exit ${code ?? signal}`);
    });
  });
}

/** @param {number | undefined} pid */
function killGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/**
 * The last line with text, where pip, npm and Python write the cause.
 * @param {string} text
 */
function lastLine(text) {
  const lines = text.split('\n').map((line) => line.trim());
  const last = lines.findLast((line) => line !== '' && !line.startsWith('[notice]')) ?? '';
  return last.replace(/^ERROR: /, '').slice(0, 200);
}

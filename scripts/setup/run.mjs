// @ts-check
import { spawn } from 'node:child_process';

/**
 * @typedef {object} Outcome
 * @property {boolean} ok exit code 0 within the time limit
 * @property {string} stdout
 * @property {string} stderr
 * @property {string} reason why it failed, in a few words; empty when it did not
 */

/**
 * Runs a program and waits for its end. Never throws: a program that is not there is an outcome too.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ timeoutMs: number, env?: NodeJS.ProcessEnv, cwd?: string }} options after the time limit the program
 *   and what it started (its process group) are killed, for pip and npm start others
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
    // Its own group does not get the terminal's Ctrl-C: passed on, so that nothing goes on installing.
    /** @param {NodeJS.Signals} signal */
    const passOn = (signal) => {
      killGroup(child.pid);
      process.exit(signal === 'SIGINT' ? 130 : 143);
    };
    process.once('SIGINT', passOn);
    process.once('SIGTERM', passOn);
    /** @param {string} reason */
    const finish = (reason) => {
      clearTimeout(timer);
      process.off('SIGINT', passOn);
      process.off('SIGTERM', passOn);
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
      if (timedOut) finish(`no end within ${timeoutMs / 1000} s`);
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
    // It ended by itself in the meantime.
  }
}

/**
 * The last line that says something: where pip, apt and Python write what was wrong.
 * @param {string} text
 */
function lastLine(text) {
  const lines = text.split('\n').map((line) => line.trim());
  const last = lines.findLast((line) => line !== '' && !line.startsWith('[notice]')) ?? '';
  return last.replace(/^(ERROR|E): /, '').slice(0, 200);
}

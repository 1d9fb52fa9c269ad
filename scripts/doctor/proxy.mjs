// @ts-check
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { loadService } from '../engine/service.mjs';

/** @typedef {import('./page.mjs').Finding} Finding */

const TARGET = 'www.tiktok.com:443';
const TIMEOUT_MS = 3000;
const SOCKS_PORT = 1080;
const WRONG_PASSWORD = 'rejects the user or password in PROXY_URLS';

/**
 * @param {import('../../src/config.ts').Config} config
 * @returns {Promise<Finding[]>}
 */
export async function examineProxies({ egress: { proxies } }) {
  const topic = 'Proxy';
  if (proxies.length === 0) return [{ topic, state: 'ok', says: 'none, direct connections' }];
  const { egress } = await loadService();
  const results = await Promise.all(
    proxies.map(async (proxy) => {
      const url = new URL(egress.withSession(proxy.reveal()).reveal());
      const check = url.protocol.startsWith('socks') ? checkSocks(url) : checkHttp(url);
      return { host: url.host, problem: await check };
    }),
  );
  const state = results.every(({ problem }) => problem !== null) ? 'error' : 'warn';
  return results.map(({ host, problem }) =>
    problem === null
      ? { topic, state: 'ok', says: `${host} works` }
      : { topic, state, says: `${host} ${problem}`, fix: `check ${host}, or remove it from PROXY_URLS` },
  );
}

/**
 * Has the proxy connect to TikTok, and sends nothing there.
 * @param {URL} proxy
 * @returns {Promise<string | null>} what is wrong; null when it works
 */
async function checkHttp(proxy) {
  const send = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
  const { user, password, host } = partsOf(proxy);
  const token = Buffer.from(`${user}:${password}`).toString('base64');
  const headers = { host: TARGET, ...(user !== '' && { 'proxy-authorization': `Basic ${token}` }) };
  const options = {
    host,
    port: proxy.port || undefined,
    method: 'CONNECT',
    path: TARGET,
    headers,
    agent: false,
  };
  const request = send({ ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
  try {
    request.end();
    const [{ statusCode = 0 }, socket] = await Promise.race([
      once(request, 'connect'),
      once(request, 'response'),
    ]);
    socket?.destroy();
    if (statusCode === 407) return WRONG_PASSWORD;
    return statusCode >= 200 && statusCode < 300 ? null : `answers ${statusCode} to CONNECT ${TARGET}`;
  } catch (error) {
    return problemOf(error);
  } finally {
    request.on('error', () => {}).destroy();
  }
}

/**
 * Greets the proxy and logs in (RFC 1928, RFC 1929).
 * @param {URL} proxy
 * @returns {Promise<string | null>} what is wrong; null when it works
 */
async function checkSocks(proxy) {
  const { user, password, host } = partsOf(proxy);
  const socket = connect({ host, port: Number(proxy.port) || SOCKS_PORT });
  const closed = new AbortController();
  socket.once('close', () => closed.abort());
  const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), closed.signal]);
  const reply = async (/** @type {number[]} */ message) => {
    socket.write(Buffer.from(message));
    return /** @type {[Buffer]} */ (await once(socket, 'data', { signal }))[0];
  };
  try {
    await once(socket, 'connect', { signal });
    const [version, method] = await reply(user === '' ? [5, 1, 0] : [5, 2, 0, 2]);
    if (version !== 5) return 'is not a SOCKS5 proxy';
    if (method === 0) return null;
    if (method !== 2 || user === '') return 'requires a user and a password';
    const [name, secret] = [Buffer.from(user), Buffer.from(password)];
    const [, status] = await reply([1, name.length, ...name, secret.length, ...secret]);
    return status === 0 ? null : WRONG_PASSWORD;
  } catch (error) {
    return closed.signal.aborted && signal.reason === closed.signal.reason
      ? 'is not a SOCKS5 proxy: it closed the connection'
      : problemOf(error);
  } finally {
    socket.on('error', () => {}).destroy();
  }
}

/** @param {URL} proxy */
function partsOf({ username, password, hostname }) {
  return {
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    // IPv6 is in brackets in a URL.
    host: hostname.replace(/^\[|\]$/g, ''),
  };
}

/** @param {unknown} error */
function problemOf(error) {
  const code = error instanceof Error && 'code' in error ? error.code : error;
  return `does not answer as a proxy (${code === 'ABORT_ERR' ? 'timeout' : code})`;
}

// @ts-check
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';

const TARGET = 'www.tiktok.com:443';
/** socks5's own. */
const SOCKS_PORT = 1080;
const SOCKS_VERSION = 5;
const NO_PASSWORD = 0;
const PASSWORD = 2;

/**
 * Asks a proxy for a connection to TikTok, and sends nothing through it; of SOCKS only whether it takes us.
 * @param {URL} proxy
 * @param {number} patienceMs
 * @returns {Promise<string | null>} what is wrong with it; null where it lets us through
 */
export function whyNoWay(proxy, patienceMs) {
  return proxy.protocol.startsWith('socks') ? askSocks(proxy, patienceMs) : askHttp(proxy, patienceMs);
}

/**
 * @param {string} host
 * @param {number} port
 * @param {number} patienceMs
 * @returns {Promise<string | null>} null where somebody listens
 */
export function whyNoConnection(host, port, patienceMs) {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: patienceMs });
    /** @param {string | null} why */
    const end = (why) => {
      socket.destroy();
      resolve(why);
    };
    socket.once('connect', () => end(null));
    socket.once('timeout', () => end('no answer'));
    socket.once('error', (error) => end(codeOf(error)));
  });
}

/**
 * @param {URL} proxy
 * @param {number} patienceMs
 * @returns {Promise<string | null>}
 */
function askHttp(proxy, patienceMs) {
  const request = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
  const { user, password } = credentials(proxy);
  const token = Buffer.from(`${user}:${password}`).toString('base64');
  return new Promise((resolve) => {
    const asked = request({
      host: bare(proxy.hostname),
      port: proxy.port || undefined,
      method: 'CONNECT',
      path: TARGET,
      headers: { host: TARGET, ...(user !== '' && { 'proxy-authorization': `Basic ${token}` }) },
      timeout: patienceMs,
      agent: false,
    });
    /** @param {string | null} why */
    const end = (why) => {
      asked.destroy();
      resolve(why);
    };
    /** @param {number | undefined} status */
    const judge = (status = 0) => {
      if (status >= 200 && status < 300) end(null);
      else if (status === 407) end('refuses the user or the password in PROXY_URLS (407)');
      else end(`answers with ${status} when asked for a way to TikTok`);
    };
    asked.once('connect', ({ statusCode }, socket) => {
      socket.destroy();
      judge(statusCode);
    });
    asked.once('response', ({ statusCode }) => judge(statusCode));
    asked.once('timeout', () => end('does not answer'));
    asked.once('error', (error) => end(`does not answer as a proxy: ${codeOf(error)}`));
    asked.end();
  });
}

/**
 * RFC 1928 and 1929, as far as the door.
 * @param {URL} proxy
 * @param {number} patienceMs
 * @returns {Promise<string | null>}
 */
function askSocks(proxy, patienceMs) {
  const { user, password } = credentials(proxy);
  const methods = user === '' ? [NO_PASSWORD] : [NO_PASSWORD, PASSWORD];
  return new Promise((resolve) => {
    const port = Number(proxy.port) || SOCKS_PORT;
    const socket = connect({ host: bare(proxy.hostname), port, timeout: patienceMs });
    /** @param {string | null} why */
    const end = (why) => {
      socket.destroy();
      resolve(why);
    };
    socket.once('timeout', () => end('does not answer'));
    socket.once('error', (error) => end(`does not answer: ${codeOf(error)}`));
    socket.once('close', () => end('is no SOCKS5 proxy, or does not take us: it hung up'));
    socket.once('connect', () => socket.write(Buffer.from([SOCKS_VERSION, methods.length, ...methods])));
    socket.once('data', ([version, method]) => {
      if (version !== SOCKS_VERSION) return end('is no SOCKS5 proxy');
      if (method === NO_PASSWORD) return end(null);
      if (method !== PASSWORD || user === '') return end('wants a user and a password, or does not take us');
      const [name, secret] = [Buffer.from(user), Buffer.from(password)];
      socket.write(
        Buffer.concat([Buffer.from([1, name.length]), name, Buffer.from([secret.length]), secret]),
      );
      socket.once('data', ([, status]) =>
        end(status === 0 ? null : 'refuses the user or the password in PROXY_URLS'),
      );
    });
  });
}

/** @param {URL} proxy */
function credentials({ username, password }) {
  return { user: decodeURIComponent(username), password: decodeURIComponent(password) };
}

/** @param {string} hostname of a URL; IPv6 in brackets */
function bare(hostname) {
  return hostname.replace(/^\[|\]$/g, '');
}

/** @param {Error} error */
function codeOf(error) {
  return 'code' in error ? String(error.code) : 'failed';
}

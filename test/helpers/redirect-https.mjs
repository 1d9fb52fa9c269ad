import { Socket } from 'node:net';

/**
 * Leads connections of this process to port 443 of any host to a port of 127.0.0.1. As a module of `node --import`, to the
 * port in REDIRECT_HTTPS.
 * @param {number} port
 * @returns {() => void} ends it
 */
export function redirectHttps(port) {
  const { connect } = Socket.prototype;
  /** @this {Socket} @param {any[]} args */
  Socket.prototype.connect = function (...args) {
    const [options, ...rest] = args;
    const isHttps = Number(options?.port) === 443;
    const changed = isHttps ? { ...options, host: '127.0.0.1', port, lookup: undefined } : options;
    return Reflect.apply(connect, this, [changed, ...rest]);
  };
  return () => {
    Socket.prototype.connect = connect;
  };
}

if (process.env.REDIRECT_HTTPS) redirectHttps(Number(process.env.REDIRECT_HTTPS));

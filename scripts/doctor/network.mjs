// @ts-check
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { loadCache } from '../engine/service.mjs';
import { whyNoConnection, whyNoWay } from './proxy.mjs';

/**
 * @typedef {import('./page.mjs').Finding} Finding
 * @typedef {import('../../src/config.ts').Config} Config
 */

const PATIENCE_MS = 3000;

/**
 * @param {Config} config
 * @returns {Promise<Finding[]>}
 */
export async function examineProxies({ egress: { proxies } }) {
  if (proxies.length === 0) return [{ topic: 'Way out', state: 'good', says: 'direct, no PROXY_URLS' }];
  const tried = await Promise.all(
    proxies.map(async (proxy) => {
      const url = new URL(proxy.reveal());
      return { label: url.host, why: await whyNoWay(url, PATIENCE_MS) };
    }),
  );
  const allDead = tried.every(({ why }) => why !== null);
  return tried.map(({ label, why }) =>
    why === null
      ? { topic: 'Proxy', state: 'good', says: `${label} opens a way to TikTok` }
      : {
          topic: 'Proxy',
          state: allDead ? 'bad' : 'warn',
          says: `${label} ${why}`,
          fix: `see whether ${label} runs and takes us, or take it out of PROXY_URLS`,
        },
  );
}

/**
 * @param {Config} config
 * @returns {Promise<Finding[]>}
 */
export async function examineVpn({ egress: { gluetunUrl }, secrets: { gluetunApiKey } }) {
  if (!gluetunUrl) return [];
  const fix = 'see whether gluetun runs and its /gluetun/auth/config.toml gives this API key its routes';
  try {
    const answer = await fetch(`${gluetunUrl}/v1/publicip/ip`, {
      headers: gluetunApiKey ? { 'x-api-key': gluetunApiKey.reveal() } : {},
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (answer.ok) return [{ topic: 'VPN', state: 'good', says: 'the control server answers' }];
    return [{ topic: 'VPN', state: 'bad', says: `the control server answers with ${answer.status}`, fix }];
  } catch {
    return [{ topic: 'VPN', state: 'bad', says: 'the control server does not answer', fix }];
  }
}

/**
 * @param {Config} config
 * @returns {Promise<Finding[]>}
 */
export async function examineRedis({ secrets: { redisUrl } }) {
  if (!redisUrl) return [{ topic: 'Redis', state: 'good', says: 'none: cache and limits in memory' }];
  const { host } = new URL(redisUrl.reveal());
  const { RedisStore } = await loadCache();
  const memory = await RedisStore.open(redisUrl.reveal(), pino({ level: 'silent' }));
  try {
    const patience = Date.now() + PATIENCE_MS;
    while (memory.status.state === 'down' && Date.now() < patience) await sleep(50);
    // A user without rights, a full one and a replica all answer a PING.
    await memory.run((redis) => redis.set('doctor', '1', 'PX', 1000));
    const { problem } = memory.status;
    if (problem === null) return [{ topic: 'Redis', state: 'good', says: `${host} takes what it is given` }];
    const fix =
      'what to do for this is in docs/RUNBOOK.md, TikTokRedisGone; the service goes on without meanwhile';
    return [{ topic: 'Redis', state: 'warn', says: `${host}: ${problem}`, fix }];
  } finally {
    memory.close();
  }
}

/**
 * @param {Config} config
 * @returns {Promise<Finding[]>}
 */
export async function examineService({ server: { host, port } }) {
  const address = ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host;
  const topic = 'Service';
  const nobody = await whyNoConnection(address, port, PATIENCE_MS);
  if (nobody !== null) return [{ topic, state: 'good', says: `none runs on port ${port}` }];
  try {
    const answer = await fetch(`http://${address}:${port}/health`, {
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const { status, reasons } = /** @type {{ status: string, reasons: string[] }} */ (await answer.json());
    if (status === 'ok') return [{ topic, state: 'good', says: `runs on port ${port}, all is well` }];
    const fix = 'see what /health and docs/RUNBOOK.md say';
    return [{ topic, state: 'warn', says: `runs on port ${port}, ${status}: ${reasons.join('; ')}`, fix }];
  } catch {
    const says = `port ${port} is taken by something that does not answer as this service`;
    return [{ topic, state: 'bad', says, fix: `end what listens on port ${port}, or set another PORT` }];
  }
}

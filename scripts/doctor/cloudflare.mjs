// @ts-check

/** @typedef {import('./page.mjs').Finding} Finding */

const TIMEOUT_MS = 5000;

/**
 * Compares the networks of TRUST_PROXY=cloudflare with Cloudflare's own list.
 * @param {import('../../src/config.ts').Config} config
 * @param {string} [source] address that has ips-v4 and ips-v6
 * @returns {Promise<Finding[]>}
 */
export async function examineCloudflare({ server: { trustProxy } }, source = 'https://www.cloudflare.com') {
  const topic = 'Cloudflare';
  if (typeof trustProxy !== 'string' || !/\bcloudflare\b/.test(trustProxy)) return [];
  /** @type {typeof import('../../src/http/cloudflare.ts')} */
  const { CLOUDFLARE } = await import(new URL('../../dist/http/cloudflare.js', import.meta.url).href);
  const name = `the list of TRUST_PROXY=cloudflare, of ${CLOUDFLARE.asOf},`;
  let current;
  try {
    current = (await Promise.all(['ips-v4', 'ips-v6'].map((list) => read(`${source}/${list}`)))).flat();
  } catch (error) {
    const says = `${name} cannot be compared: ${error instanceof Error ? error.message : error}`;
    return [{ topic, state: 'warn', says, fix: 'compare it with https://www.cloudflare.com/ips' }];
  }
  const shipped = new Set(/** @type {readonly string[]} */ (CLOUDFLARE.networks));
  const missing = current.filter((network) => !shipped.has(network));
  const former = [...shipped].filter((network) => !current.includes(network));
  if (missing.length + former.length === 0) return [{ topic, state: 'ok', says: `${name} is Cloudflare's` }];
  const says = [
    `${name} is not Cloudflare's any more`,
    ...(missing.length > 0 ? [`new: ${missing.join(', ')}`] : []),
    ...(former.length > 0 ? [`gone: ${former.join(', ')}`] : []),
  ].join('; ');
  return [{ topic, state: 'warn', says, fix: 'list the networks themselves in TRUST_PROXY' }];
}

/**
 * @param {string} address
 * @returns {Promise<string[]>} networks
 */
async function read(address) {
  const response = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const networks = (await response.text()).split(/\s+/).filter(Boolean);
  if (!response.ok || !networks.every((network) => /^[\da-f:.]+\/\d+$/.test(network)))
    throw new Error(`${address} answers ${response.status} without a list`);
  return networks;
}

// @ts-check

/** @typedef {import('./page.mjs').Finding} Finding */

/**
 * What the names of media hosts lead to here. Proxies resolve names themselves.
 * @param {import('../../src/config.ts').Config} config
 * @param {import('../../src/cdn/index.ts').Resolve} [resolve] replaces the system's resolver
 * @returns {Promise<Finding[]>}
 */
export async function examineNames({ egress: { proxies }, relay }, resolve) {
  const topic = 'Names';
  const { directFirst, allowFakeIp } = relay;
  if (proxies.length > 0 && !directFirst) return [{ topic, state: 'ok', says: 'resolved by the proxies' }];
  /** @type {typeof import('../../src/cdn/index.ts')} */
  const { AddressGuard, USUAL_HOSTS } = await import(
    new URL('../../dist/cdn/index.js', import.meta.url).href
  );
  const guard = new AddressGuard({ allowFakeIp, resolve });
  const results = await Promise.allSettled(USUAL_HOSTS.map(guard.addressesOf));
  const { refused, fake_ip: fake, nat64 } = guard.status;
  if (refused) {
    const says = `${refused.host} leads to ${refused.address}, which is not public: its files are refused`;
    const isFake = refused.address === fake;
    const fix = isFake ? 'set FAKE_IP=allow: the network answers from a fake-IP pool' : 'check the DNS';
    return [{ topic, state: 'error', says, fix }];
  }
  if (results.every(({ status }) => status === 'rejected')) {
    const says = `no name of a media host has an address, such as ${USUAL_HOSTS[0]}`;
    return [{ topic, state: 'warn', says, fix: 'check the DNS and the network' }];
  }
  const way = fake ? `a fake-IP pool (${fake}), allowed` : 'public addresses';
  return [{ topic, state: 'ok', says: [way, ...nat64.map((prefix) => `NAT64 ${prefix}`)].join('; ') }];
}

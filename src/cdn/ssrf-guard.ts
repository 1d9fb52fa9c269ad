import { lookup as systemLookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

export interface ResolvedAddress {
  address: string;
  family: number;
}

/** All addresses of a host. */
export type Resolve = (host: string) => Promise<readonly ResolvedAddress[]>;

/** The well-known NAT64 prefix of RFC 6052: the last four bytes are an IPv4 address. */
const NAT64 = ipaddr.parseCIDR('64:ff9b::/96');

/**
 * Whether an address belongs to the public internet: `unicast` in ipaddr.js's terms, which leaves out every special
 * purpose and every IPv6 form that carries an IPv4 address (mapped, 6to4, Teredo). Only 2000::/3 is assigned, so
 * `::127.0.0.1` is not public either. A NAT64 address counts as the IPv4 address that it carries.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address) || address.includes('%')) return false;
  const parsed = ipaddr.parse(address);
  const bytes = parsed.toByteArray();
  if (parsed.kind() === 'ipv6' && parsed.match(NAT64)) return isPublicAddress(bytes.slice(-4).join('.'));
  if (parsed.range() !== 'unicast') return false;
  if (parsed.kind() === 'ipv4') return ipaddr.IPv4.isValidFourPartDecimal(address);
  const [first = 0] = bytes;
  return first >= 0x20 && first <= 0x3f;
}

/** A host name that resolves, also among others, to an address that is not public. */
export class ForbiddenAddressError extends Error {
  override name = 'ForbiddenAddressError';
  readonly code = 'EFORBIDDENADDRESS';
}

const resolveWithSystem: Resolve = (host) => systemLookup(host, { all: true, verbatim: true });

/**
 * A `lookup` for sockets that yields only public addresses. The socket connects to the checked address, so DNS
 * rebinding has no effect. One address among several that is not public fails the lookup: no media host has one.
 */
export function publicOnlyLookup(resolve: Resolve = resolveWithSystem): LookupFunction {
  return (host, options, callback) => {
    resolve(host).then(
      (addresses) => {
        const [first] = addresses;
        const forbidden = addresses.some(({ address }) => !isPublicAddress(address));
        if (!first || forbidden) {
          callback(new ForbiddenAddressError(`${host} does not resolve to public addresses only`), []);
        } else if (options.all) {
          callback(
            null,
            addresses.map(({ address, family }) => ({ address, family })),
          );
        } else {
          callback(null, first.address, first.family);
        }
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };
}

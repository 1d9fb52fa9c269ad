import { lookup as systemLookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

export interface ResolvedAddress {
  address: string;
  family: number;
}

/** All addresses of a host. */
export type Resolve = (host: string) => Promise<readonly ResolvedAddress[]>;

/**
 * Whether an address lies in the public internet. Everything with a special purpose is refused, and with it every
 * IPv6 form that carries an IPv4 address inside (mapped, NAT64, 6to4, Teredo): the name `unicast` is what
 * ipaddr.js leaves over. Outside 2000::/3 nothing is handed out, which also covers `::127.0.0.1`.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address) || address.includes('%')) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  if (parsed.kind() === 'ipv4') return ipaddr.IPv4.isValidFourPartDecimal(address);
  const first = parsed.toByteArray()[0] ?? 0;
  return first >= 0x20 && first <= 0x3f;
}

/** A name that leads, or also leads, to an address inside. */
export class ForbiddenAddressError extends Error {
  override name = 'ForbiddenAddressError';
  readonly code = 'EFORBIDDENADDRESS';
}

const resolveWithSystem: Resolve = (host) => systemLookup(host, { all: true, verbatim: true });

/**
 * A `lookup` for sockets that hands out only checked addresses: the socket connects to what was checked, so a
 * second response of the name server (DNS rebinding) is never asked for. One forbidden address among several
 * refuses the name: no media host has one.
 */
export function publicOnlyLookup(resolve: Resolve = resolveWithSystem): LookupFunction {
  return (host, options, callback) => {
    resolve(host).then(
      (addresses) => {
        const [first] = addresses;
        const forbidden = addresses.some(({ address }) => !isPublicAddress(address));
        if (!first || forbidden) {
          callback(new ForbiddenAddressError(`${host} does not lead to the public internet`), []);
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

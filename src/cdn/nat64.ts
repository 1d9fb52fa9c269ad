import ipaddr from 'ipaddr.js';

/** A network of IPv6 addresses that carry an IPv4 address each (RFC 6052). */
export type Nat64Prefix = readonly [network: ipaddr.IPv6, bits: number];

/** The prefix that everybody may use. */
export const WELL_KNOWN_PREFIX: Nat64Prefix = [ipaddr.IPv6.parse('64:ff9b::'), 96];

/** The name whose AAAA records show a network's prefixes (RFC 7050), and the IPv4 addresses that it has. */
export const NAT64_NAME = 'ipv4only.arpa';
const NAT64_ADDRESSES: readonly string[] = ['192.0.0.170', '192.0.0.171'];

const PREFIX_BITS: readonly number[] = [96, 64, 56, 48, 40, 32];

/** Where translators that are not on the public internet have their prefixes: RFC 8215's block, unique local networks. */
const LOCAL_BLOCKS = ['64:ff9b:1::/48', 'fc00::/7'].map((block) => ipaddr.IPv6.parseCIDR(block));
const ASSIGNED = ipaddr.IPv6.parseCIDR('2000::/3');

/** The byte that a prefix of up to 64 bits leaves zero. */
const U_BYTE = 8;

/** The IPv4 address that an address of the prefix carries; null where it is not of the prefix, or has other bits set. */
export function carriedAddress(address: ipaddr.IPv6, [network, bits]: Nat64Prefix): string | null {
  if (!address.match(network, bits)) return null;
  const bytes = address.toByteArray();
  const positions = positionsOf(bits);
  const isRest = (at: number) => at >= bits / 8 && !positions.includes(at);
  if (bytes.some((byte, at) => byte !== 0 && isRest(at))) return null;
  return positions.map((at) => bytes[at]).join('.');
}

/**
 * The network's prefixes by its AAAA records of NAT64_NAME. One counts where both of the name's addresses show it, and
 * where it may be a translator's: in RFC 8215's block, in a unique local network or public, and without an address of
 * this machine, which would make it a network of hosts.
 * @param own IPv6 addresses of this machine
 */
export function prefixesIn(records: readonly string[], own: readonly string[]): Nat64Prefix[] {
  const addresses = records.filter((one) => ipaddr.IPv6.isValid(one)).map((one) => ipaddr.IPv6.parse(one));
  const found = new Map<string, { prefix: Nat64Prefix; shownBy: Set<string> }>();
  for (const address of addresses) {
    for (const bits of PREFIX_BITS) {
      const prefix: Nat64Prefix = [ipaddr.IPv6.networkAddressFromCIDR(`${address}/${bits}`), bits];
      const carried = carriedAddress(address, prefix);
      if (carried === null || !NAT64_ADDRESSES.includes(carried)) continue;
      const one = found.get(nameOf(prefix)) ?? { prefix, shownBy: new Set<string>() };
      found.set(nameOf(prefix), one);
      one.shownBy.add(carried);
    }
  }
  return [...found.values()]
    .filter(({ prefix, shownBy }) => shownBy.size === NAT64_ADDRESSES.length && mayTranslate(prefix, own))
    .map(({ prefix }) => prefix);
}

/** As `64:ff9b::/96`. */
export function nameOf([network, bits]: Nat64Prefix): string {
  return `${network}/${bits}`;
}

/** Bytes of the IPv4 address, for a prefix of that length. */
function positionsOf(bits: number): number[] {
  const first = bits / 8;
  return Array.from({ length: 5 }, (_, step) => first + step)
    .filter((at) => at !== U_BYTE)
    .slice(0, 4);
}

function mayTranslate(prefix: Nat64Prefix, own: readonly string[]): boolean {
  const [network, bits] = prefix;
  if (nameOf(prefix) === nameOf(WELL_KNOWN_PREFIX)) return true;
  const isPublic = network.match(...ASSIGNED) && network.range() === 'unicast';
  const isLocal = LOCAL_BLOCKS.some(([block, size]) => bits >= size && network.match(block, size));
  return (isPublic || isLocal) && !own.some((address) => ipaddr.IPv6.parse(address).match(network, bits));
}

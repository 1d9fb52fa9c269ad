import ipaddr from 'ipaddr.js';
import { carriedAddress, type Nat64Prefix, WELL_KNOWN_PREFIX } from './nat64.ts';

/**
 * Ranges without hosts, from which fake-IP DNS (Clash, mihomo, sing-box, Xray) answers by default: benchmarking, the
 * reserved 240/8, the half of fc00::/7 that nobody may use, and mihomo's own.
 */
const FAKE_IP_POOLS: readonly [ipaddr.IPv4 | ipaddr.IPv6, number][] = [
  '198.18.0.0/15',
  '240.0.0.0/8',
  '2001:2::/48',
  'fc00::/18',
  'fdfe:dcba:9876::/64',
].map((pool) => ipaddr.parseCIDR(pool));

/**
 * Whether an address belongs to the public internet: `unicast` in ipaddr.js's terms, which leaves out every special
 * purpose and every IPv6 form that carries an IPv4 address (mapped, 6to4, Teredo), and not ISATAP. Only 2000::/3 is
 * assigned, so `::127.0.0.1` is not public either. A NAT64 address counts as the IPv4 address that it carries.
 * @param prefixes of the network's own NAT64
 */
export function isPublicAddress(address: string, prefixes: readonly Nat64Prefix[] = []): boolean {
  if (!ipaddr.isValid(address) || address.includes('%')) return false;
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv4) {
    return parsed.range() === 'unicast' && ipaddr.IPv4.isValidFourPartDecimal(address);
  }
  const prefix = [WELL_KNOWN_PREFIX, ...prefixes].find(([network, bits]) => parsed.match(network, bits));
  if (prefix) {
    const carried = carriedAddress(parsed, prefix);
    return carried !== null && isPublicAddress(carried);
  }
  const bytes = parsed.toByteArray();
  const [first = 0] = bytes;
  return parsed.range() === 'unicast' && first >= 0x20 && first <= 0x3f && !isIsatap(bytes);
}

/** Whether an address is of a pool from which fake-IP DNS answers. */
export function isFakeAddress(address: string): boolean {
  if (!ipaddr.isValid(address) || address.includes('%')) return false;
  const parsed = ipaddr.parse(address);
  return FAKE_IP_POOLS.some(([pool, bits]) => parsed.kind() === pool.kind() && parsed.match(pool, bits));
}

/** An interface identifier of ISATAP (RFC 5214) carries an IPv4 address of the inside. */
function isIsatap(bytes: readonly number[]): boolean {
  const [u, ...rest] = bytes.slice(8, 12);
  return (u === 0 || u === 2) && rest.join() === '0,94,254';
}

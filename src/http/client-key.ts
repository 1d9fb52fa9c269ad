import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import type { Address } from '../network-list.ts';

/** Some proxies append the port to the address: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
const WITH_PORT = /^(?:\[([\da-f:.]+)\]|([\d.]+))(?::\d{1,5})?$/i;

/** Key of every address that is not an IP address. */
const UNKNOWN = 'unknown';

/** A network that a client's requests come from, and how many times the limits of one client it may use. */
export interface Network {
  key: string;
  factor: number;
}

/** IPv6 networks that are handed out to one customer, in bits, with the share that each may use. */
const IPV6_STEPS = [
  { bits: 64, factor: 1 },
  { bits: 56, factor: 2 },
  { bits: 48, factor: 4 },
];

/** The networks that an address is counted in, narrowest first: itself for IPv4, /64, /56 and /48 for IPv6. */
export function networksOf(ip: string | undefined): readonly Network[] {
  const address = parseAddress(ip);
  if (!address) return [{ key: UNKNOWN, factor: 1 }];
  if (address.kind() === 'ipv4') return [{ key: address.toString(), factor: 1 }];
  const bytes = address.toByteArray();
  return IPV6_STEPS.map(({ bits, factor }) => ({
    key: `${bytes.slice(0, bits / 8).join('.')}/${bits}`,
    factor,
  }));
}

/**
 * One client, for turns and shared work: an IPv4 address, or an IPv6 /64 behind its /48, as `/48>/64`. Clients with the
 * same part before `>` share the turns of one.
 */
export function clientKey({ ip }: Pick<FastifyRequest, 'ip'>): string {
  const networks = networksOf(ip);
  const [narrowest, widest] = [networks[0]?.key ?? UNKNOWN, networks.at(-1)?.key ?? UNKNOWN];
  return narrowest === widest ? narrowest : `${widest}>${narrowest}`;
}

/** An IP address, which proxies may have written with a port; null for anything else. */
export function parseAddress(ip: string | undefined): Address | null {
  const [, inBrackets, plain] = WITH_PORT.exec(ip ?? '') ?? [];
  const text = inBrackets ?? plain ?? ip ?? '';
  return ipaddr.isValid(text) ? ipaddr.process(text) : null;
}

/** A client's network for the log: enough to see where a flood comes from, too little to be personal data. */
export function loggedNetwork(ip: string | undefined): string {
  const address = parseAddress(ip);
  if (!address) return UNKNOWN;
  return address.kind() === 'ipv4'
    ? `${ipaddr.IPv4.networkAddressFromCIDR(`${address.toString()}/24`).toString()}/24`
    : `${ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/48`).toRFC5952String()}/48`;
}

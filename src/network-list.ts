import { BlockList as Networks } from 'node:net';
import ipaddr from 'ipaddr.js';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Addresses and networks. */
export class NetworkList {
  readonly #networks = new Networks();

  /** @returns false where the entry is neither an address nor a network */
  add(entry: string): boolean {
    if (ipaddr.isValid(entry)) {
      const address = ipaddr.process(entry);
      this.#networks.addAddress(address.toString(), address.kind());
    } else if (ipaddr.isValidCIDR(entry)) {
      const [address, bits] = ipaddr.parseCIDR(entry);
      this.#networks.addSubnet(address.toString(), bits, address.kind());
    } else return false;
    return true;
  }

  has(address: Address): boolean {
    return this.#networks.check(address.toString(), address.kind());
  }
}

import { lookup as systemLookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { NAT64_NAME, type Nat64Prefix, nameOf, prefixesIn } from './nat64.ts';
import { isFakeAddress, isPublicAddress } from './public-address.ts';

/** How long the network's NAT64 prefixes are believed, and how soon they are asked for again after a failure. */
const PREFIXES_MS = 10 * 60_000;
/** A resolver that is silent about them holds up a connection for no longer. */
const PREFIXES_WAIT_MS = 2000;
const PREFIXES_RETRY_MS = 30_000;

/** How long, and of how many hosts, it is told that their addresses were refused. */
const REFUSED_MS = 15 * 60_000;
const MAX_REFUSED_HOSTS = 50;

export interface ResolvedAddress {
  address: string;
  family: number;
}

/** All addresses of a host. */
export type Resolve = (host: string) => Promise<readonly ResolvedAddress[]>;

/** A host name that resolves, also among others, to an address that is not public. */
export class ForbiddenAddressError extends Error {
  override name = 'ForbiddenAddressError';
  readonly code = 'EFORBIDDENADDRESS';
}

export interface AddressGuardOptions {
  /** Replaces the system's resolver. */
  resolve?: Resolve | undefined;
  /** FAKE_IP: whether names may lead to addresses of fake-IP pools. */
  allowFakeIp?: boolean | undefined;
}

/** What the names of media hosts led to; for /health. */
export interface NetworkStatus {
  /** The network's own NAT64 prefixes (RFC 7050), such as `64:ff9b::/96`; empty before an IPv6 address was seen. */
  nat64: readonly string[];
  /** An address of a fake-IP pool that the last name led to; null for none. */
  fake_ip: string | null;
  /** A host that has not led to public addresses alone lately, and the address that was refused; null for none. */
  refused: { host: string; address: string } | null;
}

const resolveWithSystem: Resolve = (host) => systemLookup(host, { all: true, verbatim: true });

/**
 * Resolves host names for sockets to public addresses only. The socket connects to the checked address, so DNS
 * rebinding has no effect. One address among several that is not public fails the lookup: no media host has one.
 */
export class AddressGuard {
  readonly #resolve: Resolve;
  readonly #allowFakeIp: boolean;
  #prefixes: readonly Nat64Prefix[] = [];
  #prefixesUntil = 0;
  #asking: Promise<void> | null = null;
  #fakeIp: string | null = null;
  /** Host → refused address. */
  readonly #refused = new LRUCache<string, string>({ max: MAX_REFUSED_HOSTS, ttl: REFUSED_MS });

  constructor({ resolve = resolveWithSystem, allowFakeIp = false }: AddressGuardOptions = {}) {
    this.#resolve = resolve;
    this.#allowFakeIp = allowFakeIp;
  }

  get status(): NetworkStatus {
    const [refused] = this.#refused.entries();
    return {
      nat64: this.#prefixes.map(nameOf),
      fake_ip: this.#fakeIp,
      refused: refused ? { host: refused[0], address: refused[1] } : null,
    };
  }

  /** The `lookup` of sockets. */
  readonly lookup: LookupFunction = (host, options, callback) => {
    this.addressesOf(host).then(
      (addresses) => {
        const [first] = addresses;
        if (options.all) callback(null, [...addresses]);
        else callback(null, first?.address ?? '', first?.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };

  /** @throws ForbiddenAddressError; the resolver's error */
  readonly addressesOf = async (host: string): Promise<readonly ResolvedAddress[]> => {
    const found = await this.#resolve(host);
    const addresses = found.map(({ address, family }) => ({ address, family }));
    if (addresses.some(({ family }) => family === 6)) await this.#learnPrefixes();
    const isPublic = (address: string) => isPublicAddress(address, this.#prefixes);
    const fake = addresses.find(({ address }) => !isPublic(address) && isFakeAddress(address));
    const refused = addresses.find(
      ({ address }) => !isPublic(address) && !(this.#allowFakeIp && isFakeAddress(address)),
    );
    this.#fakeIp = fake?.address ?? null;
    if (refused) this.#refused.set(host, refused.address);
    else this.#refused.delete(host);
    if (refused || addresses.length === 0) {
      throw new ForbiddenAddressError(`${host} does not resolve to public addresses only`);
    }
    return addresses;
  };

  /** Asks for the network's NAT64 prefixes where they are old. The former ones hold while there is no answer. */
  #learnPrefixes(): Promise<void> {
    if (Date.now() < this.#prefixesUntil) return Promise.resolve();
    this.#asking ??= this.#askForPrefixes().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #askForPrefixes(): Promise<void> {
    const silence = sleep(PREFIXES_WAIT_MS, null, { ref: false });
    const records = await Promise.race([this.#resolve(NAT64_NAME), silence]).catch(() => null);
    this.#prefixesUntil = Date.now() + (records ? PREFIXES_MS : PREFIXES_RETRY_MS);
    if (!records) return;
    this.#prefixes = prefixesIn(
      records.map(({ address }) => address),
      ownIpv6Addresses(),
    );
  }
}

function ownIpv6Addresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter(({ family }) => family === 'IPv6').map(({ address }) => address);
}

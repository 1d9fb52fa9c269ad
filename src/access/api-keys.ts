import { createHmac, randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { ServiceError } from '../errors.ts';
import { type Address, NetworkList } from '../network-list.ts';
import { WatchedFile } from '../watched-file.ts';
import { hashKey, type KeyEntry, parseKeyFile } from './key-file.ts';

export interface ApiKey {
  name: string;
  /** Requests a minute; null for the service's own limit, 0 for none. */
  perMinute: number | null;
}

interface Known extends ApiKey {
  /** Unix milliseconds. */
  expiresAt: number;
  origins: readonly string[] | null;
  networks: NetworkList | null;
}

/** Where a key comes from. */
export interface Sender {
  /** The header Origin, which browsers send. */
  origin: string | undefined;
  address: Address | null;
}

/** The API keys of a file. */
export class ApiKeys {
  /** By `#digest`. */
  readonly file: WatchedFile<ReadonlyMap<string, Known>>;
  readonly #secret = randomBytes(32);
  readonly #uses = new Map<string, number>();

  /** @throws Error what is wrong with the file */
  constructor(path: string, log: Logger) {
    const parse = (text: string) =>
      new Map(
        Object.entries(parseKeyFile(text)).map(([name, entry]) => [
          this.#digest(entry.sha256),
          toKnown(name, entry),
        ]),
      );
    this.file = new WatchedFile({ path, name: 'file of API keys', parse, log });
  }

  /** How often each key of the file was accepted since the start, by its name. */
  get uses(): readonly (readonly [name: string, count: number])[] {
    return [...this.file.content.values()].map(({ name }) => [name, this.#uses.get(name) ?? 0]);
  }

  /** @throws ServiceError `unauthorized` */
  accept(key: string, { origin, address }: Sender): ApiKey {
    const known = this.file.content.get(this.#digest(hashKey(key)));
    if (!known) throw unauthorized('This API key is not valid.');
    const { name, expiresAt, origins, networks } = known;
    if (expiresAt <= Date.now()) throw unauthorized('This API key has expired.');
    if (origins && !origins.includes(origin ?? '')) throw unauthorized('This API key is for other sites.');
    if (networks && !(address && networks.has(address))) {
      throw unauthorized('This API key is for other networks.');
    }
    this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1);
    return known;
  }

  /** With a secret of this process: how long a look-up takes says nothing about the hashes in the file. */
  #digest(hash: string): string {
    return createHmac('sha256', this.#secret).update(hash).digest('base64');
  }
}

function toKnown(name: string, { per_minute, expires, origins, networks }: KeyEntry): Known {
  const list = networks ? new NetworkList() : null;
  for (const network of networks ?? []) list?.add(network);
  return {
    name,
    perMinute: per_minute ?? null,
    expiresAt: expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(expires),
    origins: origins ?? null,
    networks: list,
  };
}

function unauthorized(message: string): ServiceError {
  return new ServiceError('unauthorized', { message });
}

import proxyAddr from '@fastify/proxy-addr';
import { CLOUDFLARE } from './cloudflare.ts';

type Trust = (address: string, hop: number) => boolean;

/** Names that TRUST_PROXY knows besides proxy-addr's `loopback`, `linklocal` and `uniquelocal`. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  private: ['uniquelocal'],
  cloudflare: CLOUDFLARE.networks,
};

/** TRUST_PROXY as a function: whether the address at that hop is a proxy; hop 0 is the connection's own address. */
export function trustFunction(setting: boolean | number | string): Trust {
  if (typeof setting === 'boolean') return () => setting;
  if (typeof setting === 'number') return (_address, hop) => hop < setting;
  const names = setting.split(',').map((network) => network.trim());
  return proxyAddr.compile(names.flatMap((name) => NAMES[name] ?? name));
}

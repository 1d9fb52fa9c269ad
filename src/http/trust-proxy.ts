import proxyAddr from '@fastify/proxy-addr';

type Trust = (address: string, hop: number) => boolean;

/** TRUST_PROXY as a function: whether the address at that hop is a proxy; hop 0 is the connection's own address. */
export function trustFunction(setting: boolean | number | string): Trust {
  if (typeof setting === 'boolean') return () => setting;
  if (typeof setting === 'number') return (_address, hop) => hop < setting;
  return proxyAddr.compile(setting.split(',').map((network) => network.trim()));
}

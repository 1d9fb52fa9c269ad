export type { Egress } from './egress.ts';
export { Egresses, type Errand, type JobResult } from './egresses.ts';
export { openVpn } from './vpn.ts';

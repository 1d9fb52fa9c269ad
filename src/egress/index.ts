export { type BreakerState, CircuitBreaker, type Clock, SYSTEM_CLOCK } from './circuit-breaker.ts';
export { type Egress, withSession } from './egress.ts';
export { EgressPool, type JobResult, type RoutedJob } from './egress-pool.ts';
export { openVpn } from './vpn.ts';
export type { VpnWatch } from './vpn-watch.ts';

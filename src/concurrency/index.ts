export { abortable } from './abortable.ts';
export { deadline } from './deadline.ts';
export { type ClientBounds, FairQueue } from './fair-queue.ts';
export { mapLimited } from './map-limited.ts';
export { SingleFlight } from './single-flight.ts';

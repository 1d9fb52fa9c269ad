export { abortable } from './abortable.ts';
export { mapLimited } from './map-limited.ts';
export { Semaphore } from './semaphore.ts';
export { SingleFlight } from './single-flight.ts';

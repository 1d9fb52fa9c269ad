export { Semaphore } from './semaphore.ts';
export { SingleFlight } from './single-flight.ts';

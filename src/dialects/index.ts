export { cobaltError, toCobalt } from './cobalt.ts';
export { readTikwmUrl, tikwmError, toTikwm } from './tikwm.ts';

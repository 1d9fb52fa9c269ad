export { cobaltError, toCobalt } from './cobalt.ts';
export { tikwmError, toTikwm } from './tikwm.ts';

export { type EngineStatus, Engines } from './engines.ts';
export { EngineBusy, withEngineLock } from './lock.ts';
export { type EngineState, readState, writeState } from './state.ts';
export { currentName, engineStore, pointTo, removeOld, rollBack } from './store.ts';
export { scheduleUpdates, type UpdateSchedule } from './updates.ts';

export { type EngineStatus, Engines } from './engines.ts';
export { type EngineHome, engineHome, engineInUse } from './home.ts';
export { EngineBusy, withEngineLock } from './lock.ts';
export { rollBack } from './rollback.ts';
export { startOnBest } from './start.ts';
export { type EngineState, readState, writeState } from './state.ts';
export { removeOld, whyNotWritable } from './store.ts';
export { scheduleUpdates, type UpdateSchedule } from './updates.ts';
export { compareVersions, isAmong } from './versions.ts';

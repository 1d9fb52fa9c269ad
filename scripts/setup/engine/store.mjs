// @ts-check
/** The service's own code for the engines' folders: of src before a build, of dist in an image, which has no src. */
import { existsSync } from 'node:fs';

const inRoot = (/** @type {string} */ path) => new URL(`../../../${path}`, import.meta.url);
const folder = existsSync(inRoot('src/engine')) ? 'src' : 'dist';

/** @type {typeof import('../../../src/engine/store.mjs')} */
const store = await import(inRoot(`${folder}/engine/store.mjs`).href);
/** @type {typeof import('../../../src/engine/versions.mjs')} */
const versions = await import(inRoot(`${folder}/engine/versions.mjs`).href);

export const { adopt, currentEngine, isUntouched, newFolder, readRecord, storeOf, writeRecord } = store;
export const { compareVersions } = versions;

// @ts-check
/** What set-up shares with the service. A checkout has src, also before the first build; an image has only dist. */
import { existsSync } from 'node:fs';

const inRoot = (/** @type {string} */ path) => new URL(`../../../${path}`, import.meta.url);
const folder = existsSync(inRoot('src/engine')) ? 'src' : 'dist';

/** @type {typeof import('../../../src/engine/store.mjs')} */
const store = await import(inRoot(`${folder}/engine/store.mjs`).href);
/** @type {typeof import('../../../src/engine/versions.mjs')} */
const versions = await import(inRoot(`${folder}/engine/versions.mjs`).href);

export const { linkCurrent: activate, storeOf } = store;
export const { compareVersions } = versions;

/** A service with a work folder, in a process of its own, for tests that kill it. Prints the folder's path. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TempStore } from '../../src/temp/index.ts';

const log = { info: () => undefined, warn: () => undefined };
const store = new TempStore({ dir: process.argv[2] ?? '', log });
await store.open();
const job = await store.createJob('test');
await writeFile(join(job.path, 'half'), Buffer.alloc(1000));
console.log(job.path);
setInterval(() => undefined, 1000);

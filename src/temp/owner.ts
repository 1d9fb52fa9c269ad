import { open, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';

/**
 * The owner of a run folder, and whether it is alive.
 *
 * Containers that share TEMP_DIR all have pid 1, so the owner listens on a Unix socket in its folder; the kernel closes
 * it with the process. A live socket of another machine (TEMP_DIR on a network share) refuses connections as well; there,
 * and on file systems without sockets, the age of the owner file's heartbeat decides.
 */
const OWNER_FILE = 'owner.json';
const SOCKET_FILE = 'alive.sock';
const SERVICE = 'tiktok-downloader-service';
const HEARTBEAT_MS = 30_000;
/** Six missed heartbeats, for paused containers and slow network shares. */
const STALE_MS = 180_000;
/** `sun_path` holds 108 bytes on Linux and 104 elsewhere. */
const MAX_SOCKET_PATH = 100;

export interface Ownership {
  /** Stops the heartbeat and the socket. */
  release(): Promise<void>;
}

/** Marks `folder` as owned by this process until released. */
export async function claim(folder: string): Promise<Ownership> {
  const server = await listen(folder);
  const file = join(folder, OWNER_FILE);
  await writeFile(file, JSON.stringify({ service: SERVICE, boot: await bootId(), socket: server !== null }));
  const heartbeat = setInterval(() => {
    const now = new Date();
    // The next heartbeat makes up for a failed one.
    utimes(file, now, now).catch(() => undefined);
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return {
    release: async () => {
      clearInterval(heartbeat);
      if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** `foreign` where nothing proves that this service created the folder; it must not be touched then. */
export async function ownerOf(folder: string): Promise<'alive' | 'dead' | 'foreign'> {
  const file = join(folder, OWNER_FILE);
  let owner: { service?: unknown; boot?: unknown; socket?: unknown };
  let heartbeat: number;
  try {
    owner = JSON.parse(await readFile(file, 'utf8'));
    heartbeat = (await stat(file)).mtimeMs;
  } catch {
    return 'foreign';
  }
  if (owner?.service !== SERVICE) return 'foreign';
  if (owner.socket === true && owner.boot === (await bootId()))
    return (await answers(folder)) ? 'alive' : 'dead';
  return Date.now() - heartbeat > STALE_MS ? 'dead' : 'alive';
}

async function listen(folder: string): Promise<Server | null> {
  return withShortPath(folder, (path) => {
    const server = createServer((socket) => socket.destroy());
    return new Promise((resolve) => {
      server.once('error', () => resolve(null));
      server.listen(path, () => resolve(server.unref()));
    });
  });
}

async function answers(folder: string): Promise<boolean> {
  return withShortPath(folder, (path) => {
    const socket = connect(path);
    return new Promise((resolve) => {
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      // Other errors, such as too many open files, do not tell whether the owner is alive.
      socket.once('error', (error: NodeJS.ErrnoException) =>
        resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
      );
    });
  });
}

/** Shortens a path that does not fit into a socket address: on Linux through an open descriptor. */
async function withShortPath<T>(folder: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = join(folder, SOCKET_FILE);
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH || process.platform !== 'linux') return use(path);
  const handle = await open(folder, 'r');
  try {
    return await use(`/proc/self/fd/${handle.fd}/${SOCKET_FILE}`);
  } finally {
    await handle.close();
  }
}

/** Changes with every boot of the machine and is the same in all its containers; empty where there is none. */
async function bootId(): Promise<string> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (id) => id.trim(),
    () => '',
  );
}

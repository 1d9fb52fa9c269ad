/** Keeps the page itself, so that it opens without a connection. Posts and files always come from the service. */
const worker = self as unknown as ServiceWorkerGlobalScope;

/** Both filled in by the service: the folder of the page's files, named by their content, and the files. */
const ASSETS = '%ASSETS%';
const FILES = '%FILES%'.split(' ');

/** The page that was kept is as good, once the connection is no better than this. */
const PATIENCE_MS = 3000;

worker.addEventListener('install', (event) => {
  const fill = async () => {
    const cache = await caches.open(ASSETS);
    await cache.addAll(['./', ...FILES.map((file) => `${ASSETS}/${file}`)]);
    await worker.skipWaiting();
  };
  event.waitUntil(fill());
});

worker.addEventListener('activate', (event) => {
  const tidy = async () => {
    for (const name of await caches.keys()) if (name !== ASSETS) await caches.delete(name);
  };
  event.waitUntil(tidy());
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const home = new URL('./', worker.location.href);
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== home.origin) return;
  if (pathname === home.pathname) event.respondWith(page(request));
  else if (pathname.startsWith(`${home.pathname}${ASSETS}/`)) event.respondWith(asset(request));
});

/** The newest page while there is a connection, for it names the newest files; a bad one is not waited for. */
async function page(request: Request): Promise<Response> {
  const kept = await caches.match('./');
  const fresh = fetch(request);
  if (!kept) return fresh;
  const late = new Promise<Response>((resolve) => setTimeout(resolve, PATIENCE_MS, kept));
  return Promise.race([fresh.catch(() => kept), late]);
}

async function asset(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}

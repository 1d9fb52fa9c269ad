/** Caches the files of the page, so that it opens without a connection; posts and media always come from the service. */
const worker = self as unknown as ServiceWorkerGlobalScope;

/** The service replaces both: the folder of the page's files, named by their content, and the files. */
const ASSETS = '%ASSETS%';
const FILES = '%FILES%'.split(' ');
/** A language is cached when it is used. */
const LANGUAGE = /^lang\//;

/** Milliseconds after which the cached page is shown instead of a fresh one. */
const PATIENCE_MS = 3000;

worker.addEventListener('install', (event) => {
  const fill = async () => {
    const cache = await caches.open(ASSETS);
    // As a navigation asks: other clients may get something else than the page there.
    const home = new Request('./', { headers: { accept: 'text/html' } });
    const files = FILES.filter((file) => !LANGUAGE.test(file));
    await cache.addAll([home, ...files.map((file) => `${ASSETS}/${file}`)]);
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

/** A fresh page where the connection is good enough, because it names the newest files; else the cached one. */
async function page(request: Request): Promise<Response> {
  const cached = await caches.match('./');
  const fresh = fetch(request);
  if (!cached) return fresh;
  const late = new Promise<Response>((resolve) => setTimeout(resolve, PATIENCE_MS, cached));
  return Promise.race([fresh.catch(() => cached), late]);
}

async function asset(request: Request): Promise<Response> {
  const cached = await caches.match(request);
  if (cached) return cached;
  const fresh = await fetch(request);
  if (fresh.ok) await (await caches.open(ASSETS)).put(request, fresh.clone());
  return fresh;
}

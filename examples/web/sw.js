/**
 * Keeps the page on the device, so that it opens without a network; what was said is kept by the client itself.
 *
 * `BUILD` stands above, written when the page is built: `{ hash, files }`.
 */

const CACHE = `mvchat-${BUILD.hash}`;
/** How long the page may take to come before the one that is kept is shown. */
const PATIENCE = 3_000;

self.addEventListener("install", (event) => {
  event.waitUntil(fetched().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forget().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== self.location.origin) return;
  if (mode === "navigate" && pathname === "/") event.respondWith(page(event.request));
  else if (pathname.startsWith("/assets/")) event.respondWith(asset(event.request));
});

/** Fetches all that the page consists of. The names of the files change with their contents, so the browser's copies are good. */
async function fetched() {
  const cache = await caches.open(CACHE);
  await cache.add(new Request("/", { cache: "reload" }));
  await cache.addAll(BUILD.files);
}

/** Earlier builds are of no use any more. */
async function forget() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("mvchat-") && name !== CACHE).map((name) => caches.delete(name)));
}

/** The server's page, or the one that is kept when the server does not answer in time or is not there. */
async function page(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match("/");
  if (!kept) return fetch(request);
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE, kept.clone()));
  return Promise.race([fetch(request).catch(() => kept), late]);
}

async function asset(request) {
  return (await caches.match(request)) ?? fetch(request);
}

// The page without the service: its document and the files that show it, as this build has them. No answer of a function, no
// token and nothing that somebody wrote is kept here. By hand, since the names of the files carry their versions: a library for
// this would be larger than what it replaces.
import { listenForPush } from '../src/lib/push-worker';

declare const self: ServiceWorkerGlobalScope;
/** Written by the build (vite.config.ts). */
declare const BUILD: { version: string; entry: string; files: string[] };

const PAGE = '/messages';
const CACHES = 'gptdesk-chat-shell:';
const CACHE = CACHES + BUILD.version;

/** The worker of a new build waits until the windows of the old one are closed, and leaves them their files until then. */
self.addEventListener('install', (event) => event.waitUntil(keepFiles()));

self.addEventListener('activate', (event) => event.waitUntil(removeOlderBuilds()));

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.mode === 'navigate') {
    if (pathname === '/' || pathname === PAGE || pathname.startsWith(`${PAGE}/`)) {
      event.respondWith(openPage(request));
    }
  } else if (origin === self.location.origin && BUILD.files.includes(pathname)) {
    event.respondWith(openFile(request));
  }
});

/** Notifications that come by push, and those that the page shows by this worker, as on Android. */
listenForPush(self, PAGE);

async function keepFiles(): Promise<void> {
  const page = await fetch(PAGE, { cache: 'reload' });
  if (!page.ok || !(await page.clone().text()).includes(BUILD.entry)) {
    throw new Error('The service has another build meanwhile'); // whose worker comes with the next visit
  }
  const cache = await caches.open(CACHE);
  await cache.put(PAGE, page);
  await cache.addAll(BUILD.files);
}

async function removeOlderBuilds(): Promise<void> {
  const old = (await caches.keys()).filter((name) => name.startsWith(CACHES) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** The service's own document while it answers, so that a new build is seen at once. */
async function openPage(request: Request): Promise<Response> {
  const answer = await fetch(request).catch(() => null);
  if (answer && answer.status < 500) {
    return answer;
  }
  return (await kept(PAGE)) ?? answer ?? Response.error();
}

async function openFile(request: Request): Promise<Response> {
  return (await kept(request)) ?? fetch(request);
}

async function kept(request: Request | string): Promise<Response | undefined> {
  return (await caches.open(CACHE)).match(request, { ignoreVary: true });
}

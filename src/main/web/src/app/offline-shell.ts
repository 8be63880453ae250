// The service worker (worker/service-worker.ts): the page opens without the service, and can be installed.
import { Host } from './host';

/** Where the page is a window of its own and built; a frame is the application's around it, with a worker of its own. */
export async function installShell(): Promise<void> {
  if (import.meta.env.PROD && 'serviceWorker' in navigator && !Host.isThere) {
    await navigator.serviceWorker.register('/service-worker.js').catch(() => {}); // the page works without
  }
}

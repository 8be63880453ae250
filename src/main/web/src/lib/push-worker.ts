// Push notifications in a service worker: shows them, opens their conversation. For the page's own worker, and for an
// application's: import { listenForPush } from '@gptdesk/chat-react/worker'. It asks the service nothing, having no token.

/** What the service sends, encrypted for this browser. */
interface Notice {
  type: 'message';
  user: string;
  conversation: string;
  seq: number;
  sender: string;
  /** Null where the operator or the person hides it. */
  text: string | null;
}

/** What the page leaves for the worker. */
export interface PushChoice {
  userId: string;
  /** The service's public key. */
  key: string;
  /** Where the page is: the conversation is the next part of the path. */
  path: string;
  /** In place of what was written. */
  newMessage: string;
  language: string;
  direction: 'ltr' | 'rtl';
}

/** A cache of its own, as a worker has no other store that is as simple. */
const PUSH_CACHE = 'gptdesk-chat-push';
const PUSH_CHOICE = '/gptdesk-chat-push';

const PATIENCE = 3000; // milliseconds

const OPEN = 'gptdesk-chat:open';
const SUBSCRIBED = 'gptdesk-chat:subscribed';

const tagsOf = (userId: string) => `gptdesk-chat:${userId}:`;

interface Waiting {
  waitUntil(work: Promise<unknown>): void;
}

interface Window {
  url: string;
  visibilityState: string;
  focus(): Promise<unknown>;
  postMessage(message: unknown): void;
}

/** As much of ServiceWorkerGlobalScope as is needed: its types and those of a page do not go together. */
export interface PushWorker {
  registration: Pick<
    ServiceWorkerRegistration,
    'showNotification' | 'getNotifications' | 'pushManager'
  >;
  clients: {
    matchAll(options: { type: 'window'; includeUncontrolled: boolean }): Promise<readonly object[]>;
    openWindow(url: string): Promise<unknown>;
  };
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- events that a page's types do not have
  addEventListener(type: string, listener: (event: any) => void): void;
}

/** What the last push of this worker does. */
let before = Promise.resolve();

/** Whether a page that the system has stopped holds the lock: it was waited for once, in vain. */
let heldByAStoppedPage = false;

/**
 * As notifications.ts, no two at once. The pushes of this worker wait for each other as long as it takes; a stopped page
 * holds them up once, for a moment.
 */
function alone(step: () => Promise<void>): Promise<void> {
  const turn = before.then(() => besideNoPage(step));
  before = turn.catch(() => {});
  return turn;
}

async function besideNoPage(step: () => Promise<void>): Promise<void> {
  const wait = heldByAStoppedPage
    ? { ifAvailable: true }
    : { signal: AbortSignal.timeout(PATIENCE) };
  let begun = false;
  const begin = (lock: Lock | null) => {
    begun = true;
    heldByAStoppedPage = lock === null;
    return step();
  };
  try {
    await navigator.locks.request('gptdesk-chat:notifications', wait, begin);
  } catch (error) {
    if (begun) {
      throw error;
    }
    heldByAStoppedPage = true;
    await step();
  }
}

/** @param path where the page is, until somebody has opened it in this browser */
export function listenForPush(worker: PushWorker, path: string): void {
  const choice = async (): Promise<PushChoice | null> => {
    const kept = await (await caches.open(PUSH_CACHE)).match(PUSH_CHOICE);
    return kept ? ((await kept.json()) as PushChoice) : null;
  };
  const windows = async (place: string) => {
    const all = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
    return (all as Window[]).filter(({ url }) => new URL(url).pathname.startsWith(place));
  };

  const show = async (notice: Notice) => {
    const chosen = await choice();
    if (notice.type !== 'message' || !chosen || chosen.userId !== notice.user) {
      return; // of somebody who used this browser before
    }
    if ((await windows(chosen.path)).some(({ visibilityState }) => visibilityState === 'visible')) {
      return; // the page tells of it
    }
    await alone(() => put(notice, chosen));
    await (navigator as { setAppBadge?: () => Promise<void> }).setAppBadge?.().catch(() => {});
  };

  const put = async (notice: Notice, chosen: PushChoice) => {
    const tag = tagsOf(notice.user) + notice.conversation;
    const shown = await worker.registration.getNotifications({ tag });
    const seqOf = (one: Notification) => (one.data as { seq?: number } | null)?.seq ?? 0;
    // The browser wants each push shown. One that was overtaken shows the newer again, and one that came twice is no news.
    const newest = shown.find((one) => seqOf(one) > notice.seq) ?? {
      title: notice.sender,
      body: notice.text ?? chosen.newMessage,
      lang: chosen.language,
      dir: chosen.direction,
      data: { conversation: notice.conversation, seq: notice.seq },
    };
    await worker.registration.showNotification(newest.title, {
      body: newest.body,
      lang: newest.lang,
      dir: newest.dir,
      tag,
      renotify: !shown.some((one) => seqOf(one) >= notice.seq),
      data: newest.data as unknown,
    } as NotificationOptions);
  };

  const open = async (conversation: string) => {
    const place = (await choice())?.path ?? path;
    const [page] = await windows(place);
    if (page) {
      await page.focus().catch(() => {}); // it may be gone, which postMessage does not mind
      page.postMessage({ type: OPEN, conversation });
    } else {
      await worker.clients.openWindow(`${place}/${conversation}`);
    }
  };

  /** The push service has ended it. The page tells the service of the new one, now or when it is opened next. */
  const again = async () => {
    const chosen = await choice();
    if (chosen) {
      await worker.registration.pushManager.subscribe({
        userVisibleOnly: true,
        applicationServerKey: chosen.key,
      });
      (await windows(chosen.path)).forEach((page) => page.postMessage({ type: SUBSCRIBED }));
    }
  };

  worker.addEventListener('push', (event: Waiting & { data: { json(): unknown } | null }) => {
    if (event.data) {
      event.waitUntil(show(event.data.json() as Notice));
    }
  });
  worker.addEventListener('pushsubscriptionchange', (event: Waiting) => event.waitUntil(again()));
  worker.addEventListener(
    'notificationclick',
    (event: Waiting & { notification: Notification }) => {
      const data = event.notification.data as { conversation?: string } | null;
      if (data?.conversation) {
        event.notification.close();
        event.waitUntil(open(data.conversation));
      }
    },
  );
}

// Push notifications, for messages that come while no page is open: this browser's subscription, and what its worker is to know.
import { closeShown, tagsOf } from './notifications';
import type { PushChoice } from './push-worker'; // and nothing else: a worker is one file, and shares none with the page
import { Store } from './store';
import type { UserChatAPI } from './user-chat';

const PUSH_CACHE = 'gptdesk-chat-push';
const PUSH_CHOICE = '/gptdesk-chat-push';
const PATIENCE = 20_000; // milliseconds for a worker to be there

export interface PushState {
  /** 'none': not asked for, or the service sends none. */
  is: 'none' | 'on' | 'failed';
}

export const pushState = new Store<PushState>({ is: 'none' });

/** One after the other: a choice that is taken back at once must not be overtaken. */
let work: Promise<void> = Promise.resolve();

/**
 * This browser is told of messages from now on. Called at each opening, too: the push service may have given another address
 * meanwhile, and the service forgets devices that it does not hear of.
 */
export function keepPush(api: UserChatAPI, choice: PushChoice, showsText: boolean): Promise<void> {
  return next(async () => {
    const manager = await readyManager();
    if (!manager) {
      pushState.set({ is: 'failed' });
      return;
    }
    await (await caches.open(PUSH_CACHE)).put(PUSH_CHOICE, Response.json(choice));
    let subscription = await manager.getSubscription();
    if (subscription && keyOf(subscription) !== choice.key) {
      await subscription.unsubscribe(); // the operator has another key
      subscription = null;
    }
    subscription ??= await manager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: choice.key,
    });
    const { endpoint, keys } = subscription.toJSON();
    const { error } = await api.addPushSubscription(
      { endpoint: endpoint!, p256dh: keys!.p256dh!, auth: keys!.auth! },
      device(),
      showsText,
    );
    if (error?.reason === 'push_taken') {
      await subscription.unsubscribe(); // another comes with the next opening
    }
    pushState.set({ is: error ? 'failed' : 'on' });
  });
}

/** This browser is told of nothing any more: it was turned off, or the person signs out. */
export function endPush(api?: UserChatAPI): Promise<void> {
  return next(async () => {
    const subscription = await (await pushManager())?.getSubscription();
    await caches.delete(PUSH_CACHE).catch(() => false);
    if (subscription) {
      await api?.removePushSubscription(subscription.endpoint);
      await subscription.unsubscribe(); // where the service was not told, the push service tells it
    }
    pushState.set({ is: 'none' });
  });
}

/** Takes away what was shown of conversations that are read meanwhile, maybe elsewhere; and says how much is unread. */
export async function showUnread(userId: string, read: string[], unread: number): Promise<void> {
  const tags = new Set(read.map((id) => tagsOf(userId) + id));
  await closeShown((tag) => tags.has(tag));
  const { setAppBadge, clearAppBadge } = navigator as Partial<Navigator>;
  await (unread > 0 ? setAppBadge?.call(navigator, unread) : clearAppBadge?.call(navigator))?.catch(
    () => {},
  );
}

function next(step: () => Promise<void>): Promise<void> {
  work = work.then(step).catch(() => pushState.set({ is: 'failed' })); // as where the browser has no push service
  return work;
}

/** The worker may be registered only after the page has been shown; none for ever is told, too. */
async function readyManager(): Promise<PushManager | undefined> {
  const none = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE));
  const registration = await Promise.race([navigator.serviceWorker?.ready, none]);
  return registration?.pushManager;
}

async function pushManager(): Promise<PushManager | undefined> {
  const registration = await navigator.serviceWorker?.getRegistration();
  return registration?.pushManager;
}

function keyOf({ options }: PushSubscription): string {
  const bytes = new Uint8Array(options.applicationServerKey ?? new ArrayBuffer(0));
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '');
}

/** What the person's list of devices says: the browser and its system, as far as it tells. */
function device(): string | undefined {
  const { userAgentData } = navigator as {
    userAgentData?: { brands: { brand: string }[]; platform: string };
  };
  const brand = userAgentData?.brands.find((one) => !/not.?a.?brand|^chromium$/i.test(one.brand));
  return userAgentData
    ? [brand?.brand, userAgentData.platform].filter(Boolean).join(', ')
    : undefined;
}

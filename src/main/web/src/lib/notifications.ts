// Desktop notifications: what this device is set to, which of a person's tabs shows them, and of which messages.
import type { ChatSession } from './chat-session';
import { keep, kept, onKept } from './keep';
import { Store } from './store';
import type { Conversation, UserMessage } from './types';

const WANTED = 'notifications';
const TEXT = 'notification-text';

export interface NotificationChoice {
  /** The browser's; 'unsupported' where it has no notifications, as in a page without https. */
  permission: NotificationPermission | 'unsupported';
  /** What was chosen on this device; null before that. */
  wanted: boolean | null;
  /** Whether a notification shows what was written. */
  text: boolean;
}

export const notificationChoice = new Store<NotificationChoice>(read());

function read(): NotificationChoice {
  const wanted = kept(WANTED);
  return {
    permission:
      typeof Notification === 'undefined' || !isSecureContext || !navigator.locks
        ? 'unsupported'
        : Notification.permission,
    wanted: wanted === null ? null : wanted === 'on',
    text: kept(TEXT) !== 'hidden',
  };
}

/** Reads the choice again when another tab changes it, or the person comes back from the browser's settings. */
export function followNotificationChoice(): () => void {
  const again = () => notificationChoice.set(read());
  again();
  const ended = onKept('notification', again);
  addEventListener('focus', again);
  return () => {
    ended();
    removeEventListener('focus', again);
  };
}

/** Asks the browser where it was not asked yet, so only a click may call this with true. */
export async function wantNotifications(wanted: boolean): Promise<void> {
  if (!wanted || (await Notification.requestPermission()) === 'granted') {
    keep(WANTED, wanted ? 'on' : 'off');
  }
  notificationChoice.set(read());
}

export function showText(text: boolean): void {
  keep(TEXT, text ? null : 'hidden');
  notificationChoice.set(read());
}

export interface Shown {
  title: string;
  body: string;
  userId: string;
  conversationId: string;
  seq: number;
  /** By the worker, which shows what comes by push, too: then one takes the other's place. */
  byWorker: boolean;
  language: string;
  direction: 'ltr' | 'rtl';
}

/** As push-worker.ts, which shares no file with the page: a worker is one file. */
export const tagsOf = (userId: string) => `gptdesk-chat:${userId}:`;

/** One after the other in all tabs and the worker: Chromium forgets a notification that is asked for while it is being shown. */
async function withRegistration(step: (one: ServiceWorkerRegistration) => Promise<void>) {
  const registration = await navigator.serviceWorker?.getRegistration();
  const { locks } = navigator as Partial<Navigator>;
  if (registration) {
    await (locks?.request('gptdesk-chat:notifications', () => step(registration)) ??
      step(registration));
  }
}

/** Takes away what a service worker has shown: what a page has shown, it closes itself. */
export function closeShown(which: (tag: string) => boolean): Promise<void> {
  return withRegistration(async (registration) => {
    const shown = await registration.getNotifications();
    shown.filter(({ tag }) => which(tag)).forEach((one) => one.close());
  });
}

/** The newest message of a conversation replaces the one before it. The page has a sound of its own. */
export async function show(
  { title, body, userId, conversationId, seq, byWorker, language, direction }: Shown,
  onClick: () => void,
): Promise<Notification | undefined> {
  const options = {
    body,
    lang: language,
    dir: direction,
    tag: tagsOf(userId) + conversationId,
    renotify: true,
    silent: true,
    data: { conversation: conversationId, seq },
  };
  if (!byWorker) {
    try {
      const notification = new Notification(title, options);
      notification.onclick = () => {
        window.focus();
        notification.close();
        onClick();
      };
      return notification;
    } catch {
      // Android has them by a service worker alone, which hears the click.
    }
  }
  await withRegistration((registration) => registration.showNotification(title, options));
  return undefined;
}

/**
 * Tells of each message that comes while the person looks at none of their tabs: one tab tells, the first of those that are
 * connected. Not of conversations that are muted, archived or ended.
 */
export function onUnseenMessage(
  session: ChatSession,
  listener: (message: UserMessage, conversation: Conversation) => void,
): () => void {
  const looking = `gptdesk-chat:looking:${session.user.id}`;
  const attention = new HeldLock(looking, 'shared');
  const turn = new HeldLock(`gptdesk-chat:telling:${session.user.id}`, 'exclusive');
  const look = () => attention.want(document.hasFocus() && !document.hidden);
  const connect = () => turn.want(session.get().connection === 'online');
  look();
  connect();
  addEventListener('focus', look);
  addEventListener('blur', look);
  document.addEventListener('visibilitychange', look);
  const disconnect = session.subscribe(connect);
  const deaf = session.onMessage(async (message) => {
    look();
    const { held } = await navigator.locks.query();
    const conversation = session.inbox.find(message.conversation_id);
    if (
      turn.held &&
      !held?.some(({ name }) => name === looking) &&
      conversation?.partner_status === 'active' &&
      !conversation.is_muted &&
      !message.is_deleted
    ) {
      listener(message, conversation);
    }
  });
  return () => {
    deaf();
    disconnect();
    removeEventListener('focus', look);
    removeEventListener('blur', look);
    document.removeEventListener('visibilitychange', look);
    attention.want(false);
    turn.want(false);
  };
}

/** A lock of all tabs, held or waited for while it is wanted. The browser frees it when the tab ends. */
class HeldLock {
  private end: (() => void) | null = null;
  held = false;

  constructor(
    private readonly name: string,
    private readonly mode: LockMode,
  ) {}

  want(wanted: boolean): void {
    if (wanted === (this.end !== null)) {
      return;
    }
    if (!wanted) {
      this.end!();
      this.end = null;
      this.held = false;
      return;
    }
    const waiting = new AbortController();
    const ended = new Promise<void>((resolve) => {
      this.end = () => {
        waiting.abort();
        resolve();
      };
    });
    const { mode } = this;
    void navigator.locks
      .request(this.name, { mode, signal: waiting.signal }, () => {
        this.held = !waiting.signal.aborted;
        return ended;
      })
      .catch(() => {}); // no longer wanted
  }
}

import { Bell } from 'lucide-react';
import { useEffect, useEffectEvent, useState } from 'react';
import { useChat, useSettings, useStore, useUnreadCount } from '@/hooks/use-chat';
import { useNotificationChoice } from '@/hooks/use-notification-choice';
import { useTexts } from '@/hooks/use-texts';
import { closeShown, onUnseenMessage, show, tagsOf, wantNotifications } from '@/lib/notifications';
import { endPush, keepPush, pushState, showUnread } from '@/lib/push';
import type { Conversation, UserMessage } from '@/lib/types';

/** What a service worker sends to the page: the browser has subscribed anew. */
const SUBSCRIBED = 'gptdesk-chat:subscribed';

/** Shows messages that nobody looks at on the desktop. Offers to, once one has come that would have been shown. */
export function DesktopNotifications({
  basePath,
  onOpen,
}: {
  basePath: string;
  onOpen: (conversationId: string) => void;
}) {
  const session = useChat();
  const { t, language, direction } = useTexts();
  const { permission, wanted, text } = useNotificationChoice();
  const [missed, setMissed] = useState(false);
  const shows = permission === 'granted' && wanted === true;
  const askable = (permission === 'granted' || permission === 'default') && wanted === null;

  const open = useEffectEvent(onOpen);
  const tell = useEffectEvent(async (message: UserMessage, conversation: Conversation) => {
    if (!shows) {
      setMissed(true);
      return;
    }
    const written = message.content || message.file_name || t.newMessage;
    const notification = await show(
      {
        title: conversation.other_user.full_name,
        body: text ? written : t.newMessage,
        userId: session.user.id,
        conversationId: conversation.id,
        seq: message.seq,
        byWorker: pushState.get().is === 'on',
        language,
        direction,
      },
      () => open(conversation.id),
    );
    if (notification) {
      addEventListener('focus', () => notification.close(), { once: true });
    }
  });

  useEffect(
    () =>
      shows || askable
        ? onUnseenMessage(session, (message, conversation) => void tell(message, conversation))
        : undefined,
    [session, shows, askable],
  );

  useEffect(() => {
    const back = () => void closeShown((tag) => tag.startsWith(tagsOf(session.user.id)));
    addEventListener('focus', back);
    return () => removeEventListener('focus', back);
  }, [session]);

  usePush(basePath);

  return missed && askable ? (
    <div role="status" className="banner-place">
      <div className="banner banner-offer">
        <Bell size={16} aria-hidden="true" />
        <span>{t.offerNotifications}</span>
        <button type="button" className="link-button" onClick={() => void wantNotifications(true)}>
          {t.turnOn}
        </button>
        <button type="button" className="link-button" onClick={() => void wantNotifications(false)}>
          {t.noThanks}
        </button>
      </div>
    </div>
  ) : null;
}

/** Messages also reach this browser while no page is open, where the service sends them. */
function usePush(path: string): void {
  const session = useChat();
  const { pushKey } = useSettings();
  const { t, language, direction } = useTexts();
  const { permission, wanted, text } = useNotificationChoice();
  const { conversations } = useStore(session.inbox);
  const unread = useUnreadCount();
  const wants = permission === 'granted' && wanted === true && pushKey !== null;
  const off = wanted === false || permission === 'denied';
  const userId = session.user.id;
  const { newMessage } = t;

  useEffect(() => {
    if (!wants) {
      if (off) {
        void endPush(session.api);
      }
      return;
    }
    const keep = () =>
      void keepPush(
        session.api,
        { userId, key: pushKey, path, newMessage, language, direction },
        text,
      );
    const heard = ({ data }: MessageEvent<{ type?: string } | null>) => {
      if (data?.type === SUBSCRIBED) {
        keep();
      }
    };
    keep();
    navigator.serviceWorker?.addEventListener('message', heard);
    return () => navigator.serviceWorker?.removeEventListener('message', heard);
  }, [wants, off, session, userId, pushKey, path, newMessage, language, direction, text]);

  const read = conversations.filter((one) => one.unread_count === 0).map(({ id }) => id);
  const seen = wants ? read.join() : '';
  useEffect(() => {
    if (wants) {
      void showUnread(userId, seen.split(','), unread);
    }
  }, [wants, userId, seen, unread]);
}

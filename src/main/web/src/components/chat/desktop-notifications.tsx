import { Bell } from 'lucide-react';
import { useEffect, useEffectEvent, useState } from 'react';
import { useChat } from '@/hooks/use-chat';
import { useNotificationChoice } from '@/hooks/use-notification-choice';
import { useTexts } from '@/hooks/use-texts';
import { closeShown, onUnseenMessage, show, wantNotifications } from '@/lib/notifications';
import type { Conversation, UserMessage } from '@/lib/types';

/** What a service worker sends to the page when somebody clicks a notification that it has shown. */
const OPEN = 'gptdesk-chat:open';

/** Shows messages that nobody looks at on the desktop. Offers to, once one has come that would have been shown. */
export function DesktopNotifications({ onOpen }: { onOpen: (conversationId: string) => void }) {
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
    const back = () => void closeShown(session.user.id);
    addEventListener('focus', back);
    return () => removeEventListener('focus', back);
  }, [session]);

  useEffect(() => {
    const heard = ({ data }: MessageEvent<{ type?: string; conversation?: string } | null>) => {
      if (data?.type === OPEN && data.conversation) {
        open(data.conversation);
      }
    };
    navigator.serviceWorker?.addEventListener('message', heard);
    return () => navigator.serviceWorker?.removeEventListener('message', heard);
  }, []);

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

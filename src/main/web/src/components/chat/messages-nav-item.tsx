import { MessageSquare } from 'lucide-react';
import { useUnreadCount } from '@/hooks/use-chat';
import { useLanguageAttributes, useTexts } from '@/hooks/use-texts';

/** The specification's navigation entry. */
export const messagesNavigation = {
  name: 'Messages',
  href: '/dashboard/user/messages',
  icon: MessageSquare,
  description: 'Chat with team members',
} as const;

/** The entry with the unread count. Needs a ChatProvider. */
export function MessagesNavItem({
  href = messagesNavigation.href,
  current = false,
}: {
  href?: string;
  current?: boolean;
}) {
  const unread = useUnreadCount();
  const { t, number } = useTexts();
  const attributes = useLanguageAttributes();
  return (
    <span className="gptdesk-chat gptdesk-chat-inline" {...attributes}>
      <a
        className="nav-item"
        href={href}
        title={t.navigationAbout}
        aria-current={current ? 'page' : undefined}
      >
        <MessageSquare size={18} aria-hidden="true" />
        <span>{t.messages}</span>
        {unread > 0 && (
          <span className="badge">
            {unread > 99 ? `${number(99)}+` : number(unread)}
            <span className="unseen"> {t.unread}</span>
          </span>
        )}
      </a>
    </span>
  );
}

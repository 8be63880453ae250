import { MessageSquare } from 'lucide-react';
import { useUnreadCount } from '@/hooks/use-chat';

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
  return (
    <span className="gptdesk-chat gptdesk-chat-inline">
      <a
        className="nav-item"
        href={href}
        title={messagesNavigation.description}
        aria-current={current ? 'page' : undefined}
      >
        <MessageSquare size={18} aria-hidden="true" />
        <span>{messagesNavigation.name}</span>
        {unread > 0 && (
          <span className="badge">
            {unread > 99 ? '99+' : unread}
            <span className="unseen"> unread</span>
          </span>
        )}
      </a>
    </span>
  );
}

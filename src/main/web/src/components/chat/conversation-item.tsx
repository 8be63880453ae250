import { BellOff, Check, CheckCheck, Paperclip } from 'lucide-react';
import { memo } from 'react';
import { Avatar } from '@/components/ui/avatar';
import { shortly } from '@/lib/time';
import type { Conversation, User } from '@/lib/types';

export interface ConversationItemProps {
  conversation: Conversation;
  currentUser: User;
  selected?: boolean;
  draft?: string | null;
  /** -1 where arrow keys lead to it, and Tab does not. */
  tabIndex?: number;
  onSelect?: (conversationId: string) => void;
}

export const ConversationItem = memo(function ConversationItem({
  conversation,
  currentUser,
  selected = false,
  draft,
  tabIndex,
  onSelect,
}: ConversationItemProps) {
  const { other_user: other, last_message: last, unread_count: unread } = conversation;
  const mine = last?.sender_id === currentUser.id;
  const read = last !== null && last.seq <= conversation.other_read_seq;
  return (
    <li>
      <button
        type="button"
        className={`conversation${selected ? ' conversation-selected' : ''}${unread > 0 ? ' conversation-unread' : ''}`}
        aria-current={selected ? 'true' : undefined}
        tabIndex={tabIndex}
        data-conversation={conversation.id}
        onClick={() => onSelect?.(conversation.id)}
      >
        <Avatar
          id={other.id}
          name={other.full_name}
          url={other.avatar_url}
          status={other.presence?.status ?? 'offline'}
        />
        <span className="conversation-text">
          <span className="conversation-line">
            <span className="conversation-name">{other.full_name}</span>
            <span className="unseen">, {other.presence?.status ?? 'offline'}. </span>
            {conversation.last_message_at && (
              <time dir="auto" dateTime={conversation.last_message_at}>
                {shortly(conversation.last_message_at)}
              </time>
            )}
          </span>
          <span className="conversation-line">
            <span className="conversation-preview">
              {draft && !selected ? (
                <>
                  <span className="conversation-draft">Draft: </span>
                  {draft}
                </>
              ) : last === null ? (
                'No messages yet'
              ) : last.is_deleted ? (
                <i>Message deleted</i>
              ) : (
                <>
                  {mine &&
                    (read ? (
                      <CheckCheck
                        className="preview-read"
                        size={15}
                        role="img"
                        aria-label="Read:"
                      />
                    ) : (
                      <Check size={15} role="img" aria-label="Sent:" />
                    ))}
                  {last.message_type !== 'text' && (
                    <Paperclip size={14} role="img" aria-label="Attachment:" />
                  )}
                  <span className="conversation-words" dir="auto">
                    {last.content}
                  </span>
                </>
              )}
            </span>
            {conversation.is_muted && <BellOff size={14} role="img" aria-label="Muted" />}
            {unread > 0 && (
              <span className={`badge${conversation.is_muted ? ' badge-muted' : ''}`}>
                {unread > 99 ? '99+' : unread}
                <span className="unseen"> unread</span>
              </span>
            )}
          </span>
        </span>
      </button>
    </li>
  );
});

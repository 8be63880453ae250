import BellOff from 'lucide-react/icons/bell-off';
import Check from 'lucide-react/icons/check';
import CheckCheck from 'lucide-react/icons/check-check';
import Paperclip from 'lucide-react/icons/paperclip';
import { Avatar } from '@/components/ui/avatar';
import { useTexts } from '@/hooks/use-texts';
import type { Conversation, User } from '@/lib/types';

export interface ConversationRowProps {
  conversation: Conversation;
  currentUser: User;
  selected?: boolean;
  draft?: string | null;
  /** -1 where arrow keys lead to it, and Tab does not. */
  tabIndex?: number;
  onSelect?: ((conversationId: string) => void) | undefined;
  /** What the last message says; as it was written without this. */
  words?: string | undefined;
}

/** One line of the list: what it needs before the rest of the page is there. */
export function ConversationRow({
  conversation,
  currentUser,
  selected = false,
  draft,
  tabIndex,
  onSelect,
  words,
}: ConversationRowProps) {
  const { t, times, number } = useTexts();
  const { other_user: other, last_message: last, unread_count: unread } = conversation;
  const mine = last?.sender_id === currentUser.id;
  const read = last !== null && last.seq <= conversation.other_read_seq;
  const delivered = last !== null && last.seq <= conversation.other_delivered_seq;
  return (
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
          <span className="unseen">, {t.statuses[other.presence?.status ?? 'offline']}. </span>
          {conversation.last_message_at && (
            <time dir="auto" dateTime={conversation.last_message_at}>
              {times.shortly(conversation.last_message_at)}
            </time>
          )}
        </span>
        <span className="conversation-line">
          <span className="conversation-preview">
            {draft && !selected ? (
              <>
                <span className="conversation-draft">{t.draft} </span>
                {draft}
              </>
            ) : last === null ? (
              t.noMessages
            ) : last.is_deleted ? (
              <i>{t.messageDeleted}</i>
            ) : (
              <>
                {mine &&
                  (read ? (
                    <CheckCheck
                      className="preview-read"
                      size={15}
                      strokeWidth={3}
                      role="img"
                      aria-label={t.readBefore}
                    />
                  ) : delivered ? (
                    <CheckCheck size={15} role="img" aria-label={t.deliveredBefore} />
                  ) : (
                    <Check size={15} role="img" aria-label={t.sentBefore} />
                  ))}
                {last.message_type !== 'text' && (
                  <Paperclip size={14} role="img" aria-label={t.attachmentBefore} />
                )}
                <span className="conversation-words" dir="auto">
                  {words ?? last.content}
                </span>
              </>
            )}
          </span>
          {conversation.is_muted && <BellOff size={14} role="img" aria-label={t.muted} />}
          {unread > 0 && (
            <span className={`badge${conversation.is_muted ? ' badge-muted' : ''}`}>
              {unread > 99 ? `${number(99)}+` : number(unread)}
              <span className="unseen"> {t.unread}</span>
            </span>
          )}
        </span>
      </span>
    </button>
  );
}

import {
  Check,
  CheckCheck,
  CircleAlert,
  Clock3,
  Copy,
  Ellipsis,
  Link,
  MailOpen,
  Pencil,
  Plus,
  Reply,
  SmilePlus,
  Trash2,
} from 'lucide-react';
import { memo, useMemo, useState } from 'react';
import { AnsweredMessage } from './answered-message';
import { AttachmentCard } from './attachment-card';
import { EmojiPopover } from './emoji-popover';
import { MessageText } from './message-text';
import { Button } from '@/components/ui/button';
import { IconButton } from '@/components/ui/icon-button';
import { Menu, MenuItem, MenuLine } from '@/components/ui/menu';
import { useSettings } from '@/hooks/use-chat';
import { useTexts } from '@/hooks/use-texts';
import { marked } from '@/lib/markdown';
import { mayHelp } from '@/lib/refusals';
import { isFewEmoji, lastDirection } from '@/lib/script';
import { answeredBy, type ChatMessage, type UserMessage } from '@/lib/types';

export const REACTIONS = [
  ['👍', 'thumbsUp'],
  ['❤️', 'heart'],
  ['😂', 'laughing'],
  ['🎉', 'party'],
  ['😮', 'surprised'],
  ['😢', 'sad'],
  ['👀', 'eyes'],
  ['✅', 'done'],
] as const;

export interface MessageActions {
  react: (message: ChatMessage, reaction: string, give: boolean) => void;
  /** Absent where one cannot write. */
  reply?: ((message: ChatMessage) => void) | undefined;
  edit: (message: ChatMessage) => void;
  remove: (message: ChatMessage) => void;
  /** Unread again from this message on. */
  unread: (message: ChatMessage) => void;
  /** Its image, large. */
  view: (message: ChatMessage) => void;
  /** What it said before its edits. */
  history: (message: ChatMessage) => void;
  /** The message's address into the clipboard. */
  link: (message: ChatMessage) => void;
  retry: (message: ChatMessage) => void;
  discard: (message: ChatMessage) => void;
}

export interface MessageBubbleProps {
  message: ChatMessage;
  isOwn: boolean;
  userId: string;
  senderName: string;
  /** The first and the last of a few that one person said together. */
  first?: boolean;
  last?: boolean;
  isRead?: boolean;
  /** Whether a device of the other has received it. */
  isDelivered?: boolean;
  highlighted?: boolean;
  /** The message that this one answers; null when it is not there any more. */
  answered?: UserMessage | null | undefined;
  onAnswered?: (seq: number) => void;
  actions?: MessageActions;
}

export const MessageBubble = memo(function MessageBubble({
  message,
  isOwn,
  userId,
  senderName,
  first = true,
  last = true,
  isRead = false,
  isDelivered = false,
  highlighted = false,
  answered,
  onAnswered,
  actions,
}: MessageBubbleProps) {
  const { t, told, times } = useTexts();
  const { reactionNames } = useSettings();
  const [open, setOpen] = useState(false);
  const [all, setAll] = useState(false); // emoji, in place of the usual few
  // Tab leads past what is in a message, but for the one that has the focus, to which arrow keys lead.
  const [within, setWithin] = useState(false);
  const tabIndex = within ? 0 : -1;
  const react = (reaction: string) =>
    actions?.react(message, reaction, !reactedWith(message, reaction, userId));
  const stored = message.delivery === undefined;
  const classes = [
    'message',
    isOwn ? 'message-own' : 'message-other',
    first && 'message-first',
    last && 'message-last',
    highlighted && 'message-highlighted',
    message.delivery && `message-${message.delivery}`,
    message.progress !== undefined && 'message-uploading',
  ].filter(Boolean);
  const late = message.written_at && !message.is_deleted ? message.written_at : null;
  const words = message.is_deleted
    ? isOwn
      ? t.youDeleted
      : t.wasDeleted
    : message.file_url !== null && message.content === message.file_name
      ? '' // the card says it already
      : message.content;
  const text = useMemo(() => marked(words), [words]);
  const answeredSeq = answeredBy(message);
  const edited = message.is_edited && !message.is_deleted;
  const time = times.clock(message.created_at);
  // What the foot says, for the room that the last line leaves it.
  const foot = edited ? `${t.edited}  ${time}` : time;

  return (
    <article
      className={classes.join(' ')}
      onFocus={() => setWithin(true)}
      onBlur={({ currentTarget, relatedTarget }) =>
        setWithin(currentTarget.contains(relatedTarget))
      }
      aria-label={`${isOwn ? t.you : senderName}, ${time}`}
    >
      <div className="message-row">
        {/* Has it the focus, its tools show: a tap must do what pointing does. Not every browser gives it by a tap alone. */}
        <div
          className={[
            'bubble',
            words === '' && 'bubble-bare',
            text.isBlocks && 'bubble-blocks',
            edited && 'bubble-edited',
            late && 'bubble-late',
            !message.is_deleted && message.file_url === null && isFewEmoji(words) && 'bubble-emoji',
          ]
            .filter(Boolean)
            .join(' ')}
          tabIndex={-1}
          onClick={(event) => event.currentTarget.focus({ preventScroll: true })}
        >
          {answeredSeq !== null && (
            <AnsweredMessage
              message={answered}
              name={answered?.sender_id === userId ? t.you : senderName}
              tabIndex={tabIndex}
              {...(onAnswered && { onOpen: () => onAnswered(answeredSeq) })}
            />
          )}
          {!message.is_deleted && message.file_url && (
            <AttachmentCard
              message={message}
              tabIndex={tabIndex}
              onView={actions && (() => actions.view(message))}
              onCancel={actions && (() => actions.discard(message))}
            />
          )}
          {message.is_deleted ? (
            <p className="bubble-deleted" data-foot={foot}>
              {words}
            </p>
          ) : text.isBlocks ? (
            <div className="bubble-text">
              <MessageText text={text} tabIndex={tabIndex} />
            </div>
          ) : (
            words !== '' && (
              <p className="bubble-text" data-foot={foot}>
                <MessageText text={text} tabIndex={tabIndex} />
              </p>
            )
          )}
          <span
            className="bubble-foot"
            dir={
              message.is_deleted || words === '' || text.isBlocks ? undefined : lastDirection(words)
            }
          >
            {edited &&
              (actions ? (
                <button
                  type="button"
                  className="foot-button"
                  tabIndex={tabIndex}
                  title={t.showEdits}
                  onClick={() => actions.history(message)}
                >
                  {t.edited}
                </button>
              ) : (
                <span>{t.edited}</span>
              ))}
            {late && (
              <span title={t.writtenAt(times.exactly(late))}>
                {t.writtenEarlier(times.span(late, message.created_at))}
              </span>
            )}
            <time
              dir="auto"
              dateTime={message.created_at}
              title={times.exactly(message.created_at)}
            >
              {time}
            </time>
            {isOwn && !message.is_deleted && (
              <Delivery message={message} isRead={isRead} isDelivered={isDelivered} />
            )}
          </span>
        </div>

        {actions && stored && !message.is_deleted && (
          <div
            className={`message-tools${open ? ' message-tools-open' : ''}`}
            role="group"
            aria-label={t.messageActions}
          >
            <EmojiPopover
              open={open}
              onOpenChange={(now) => {
                setOpen(now);
                setAll(false);
              }}
              label={t.chooseReaction}
              names={reactionNames}
              onChoose={react}
              trigger={
                <IconButton label={t.react} tabIndex={tabIndex}>
                  <SmilePlus size={17} />
                </IconButton>
              }
            >
              {!all && (
                <>
                  {REACTIONS.map(([reaction, name]) => (
                    <button
                      key={reaction}
                      type="button"
                      aria-label={t.reactionNames[name]}
                      onClick={() => {
                        setOpen(false);
                        react(reaction);
                      }}
                    >
                      {reaction}
                    </button>
                  ))}
                  <IconButton label={t.moreEmoji} onClick={() => setAll(true)}>
                    <Plus size={19} />
                  </IconButton>
                </>
              )}
            </EmojiPopover>
            <Menu
              align={isOwn ? 'end' : 'start'}
              trigger={
                <IconButton label={t.moreActions} tabIndex={tabIndex}>
                  <Ellipsis size={17} />
                </IconButton>
              }
            >
              {actions.reply && (
                <MenuItem icon={<Reply size={16} />} onSelect={() => actions.reply!(message)}>
                  {t.reply}
                </MenuItem>
              )}
              <MenuItem
                icon={<Copy size={16} />}
                onSelect={() =>
                  void navigator.clipboard?.writeText(message.content || (message.file_url ?? ''))
                }
              >
                {t.copyText}
              </MenuItem>
              <MenuItem icon={<Link size={16} />} onSelect={() => actions.link(message)}>
                {t.copyLink}
              </MenuItem>
              {!isOwn && (
                <MenuItem icon={<MailOpen size={16} />} onSelect={() => actions.unread(message)}>
                  {t.unreadFromHere}
                </MenuItem>
              )}
              {isOwn && (
                <>
                  {message.message_type === 'text' && (
                    <MenuItem icon={<Pencil size={16} />} onSelect={() => actions.edit(message)}>
                      {t.edit}
                    </MenuItem>
                  )}
                  <MenuLine />
                  <MenuItem
                    danger
                    icon={<Trash2 size={16} />}
                    onSelect={() => actions.remove(message)}
                  >
                    {t.deleteAsked}
                  </MenuItem>
                </>
              )}
            </Menu>
          </div>
        )}
      </div>

      {(message.reactions?.length ?? 0) > 0 && (
        <ul className="reactions" aria-label={t.reactions}>
          {message.reactions!.map(({ reaction, user_ids }) => {
            const mine = user_ids.includes(userId);
            return (
              <li key={reaction}>
                <button
                  type="button"
                  className="reaction"
                  tabIndex={tabIndex}
                  aria-pressed={mine}
                  aria-label={(mine ? t.reactedMine : t.reactedOthers)(reaction, user_ids.length)}
                  onClick={() => actions?.react(message, reaction, !mine)}
                >
                  <span aria-hidden="true">{reaction}</span>
                  <span aria-hidden="true">{user_ids.length}</span>
                </button>
              </li>
            );
          })}
        </ul>
      )}

      {message.delivery === 'failed' && (
        <div className="message-problem" role="alert">
          <CircleAlert size={15} aria-hidden="true" />
          <span>
            {t.notSent} {message.problem && told(message.problem)}
          </span>
          {message.problem && !mayHelp(message.problem) ? (
            message.content !== message.file_name && (
              <Button
                variant="link"
                onClick={() => void navigator.clipboard?.writeText(message.content)}
              >
                {t.copyText}
              </Button>
            )
          ) : (
            <Button variant="link" onClick={() => actions?.retry(message)}>
              {t.tryAgain}
            </Button>
          )}
          <Button variant="link" onClick={() => actions?.discard(message)}>
            {t.discard}
          </Button>
        </div>
      )}
    </article>
  );
});

const DELIVERY = {
  failed: <CircleAlert size={14} />,
  sending: <Clock3 size={13} />,
  read: <CheckCheck size={15} strokeWidth={3} />,
  delivered: <CheckCheck size={15} />,
  sent: <Check size={15} />,
};

function Delivery({
  message,
  isRead,
  isDelivered,
}: {
  message: ChatMessage;
  isRead: boolean;
  isDelivered: boolean;
}) {
  const { t } = useTexts();
  const state = message.delivery ?? (isRead ? 'read' : isDelivered ? 'delivered' : 'sent');
  return (
    <span
      className={`delivery delivery-${state}`}
      role="img"
      aria-label={t.delivery[state]}
      title={t.delivery[state]}
    >
      {DELIVERY[state]}
    </span>
  );
}

function reactedWith(message: ChatMessage, reaction: string, userId: string): boolean {
  return (
    message.reactions?.some((one) => one.reaction === reaction && one.user_ids.includes(userId)) ??
    false
  );
}

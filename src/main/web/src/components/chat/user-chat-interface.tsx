import {
  Archive,
  ArchiveRestore,
  ArrowLeft,
  Ban,
  Bell,
  BellOff,
  EllipsisVertical,
  MailOpen,
  MessageCircleOff,
  Search,
} from 'lucide-react';
import { Suspense, useCallback, useEffect, useMemo, useRef, useState, type DragEvent } from 'react';
import { EmptyState } from './empty-state';
import type { MessageActions } from './message-bubble';
import { MessageInput } from './message-input';
import { MessageList } from './message-list';
import { Button } from '@/components/ui/button';
import { Avatar } from '@/components/ui/avatar';
import { Boundary } from '@/components/ui/boundary';
import { IconButton } from '@/components/ui/icon-button';
import { Opened } from '@/components/ui/opened';
import { Menu, MenuItem, MenuLine } from '@/components/ui/menu';
import { part } from '@/components/ui/part';
import { filesIn, hasFiles, useAttachments, type Attachments } from '@/hooks/use-attachments';
import { useChat, useSettings, useStore } from '@/hooks/use-chat';
import { useTexts } from '@/hooks/use-texts';
import { useRealtimeChat } from '@/hooks/use-realtime-chat';
import { isStored } from '@/lib/file-names';
import { isOnItsWay } from '@/lib/conversation-feed';
import type { ChatMessage, OtherUser, Presence, Problem, User, UserMessage } from '@/lib/types';

// What is opened now and then is loaded then.
const ConfirmDialog = part(async () => (await import('@/components/ui/dialog')).ConfirmDialog);
const ConversationSearch = part(
  async () => (await import('./conversation-search')).ConversationSearch,
);
const MuteDialog = part(async () => (await import('./mute-dialog')).MuteDialog);
const EditHistory = part(async () => (await import('./edit-history')).EditHistory);
const ImageViewer = part(async () => (await import('./image-viewer')).ImageViewer);

/** As the database refuses it, which need not be asked. */
const TOO_MANY_REACTIONS: Problem = {
  message: '',
  hint: null,
  status: 409,
  code: 'PT409',
  reason: 'too_many_reactions',
  temporary: false,
};

export interface UserChatInterfaceProps {
  conversationId: string;
  currentUser: User;
  /** Known already when the list led here; else it is loaded. */
  otherUser?: OtherUser | undefined;
  /** The number of a message to show first. */
  target?: number | undefined;
  onBack?: () => void;
}

/** Give it `key={conversationId}`: another conversation is another one of these. */
export function UserChatInterface({
  conversationId,
  currentUser,
  otherUser,
  target,
  onBack,
}: UserChatInterfaceProps) {
  const session = useChat();
  const { t, told, times } = useTexts();
  const {
    feed,
    landing,
    typingUsers,
    otherPresence,
    setMessages: _setMessages,
    onlineUsers,
    ...state
  } = useRealtimeChat(conversationId, currentUser.id);
  const { maxReactions } = useSettings();
  const { conversations } = useStore(session.inbox);
  const listed = conversations.find(({ id }) => id === conversationId);
  const other = state.conversation?.other_user ?? otherUser;
  const [editing, setEditing] = useState<ChatMessage | null>(null);
  const [replying, setReplying] = useState<ChatMessage | null>(null);
  const [removing, setRemoving] = useState<ChatMessage | null>(null);
  const [history, setHistory] = useShown(state.messages);
  const [viewed, setViewed] = useShown(state.messages);
  const [searching, setSearching] = useState(false);
  const [jump, setJump] = useState<{ seq: number } | null>(null);
  const [muting, setMuting] = useState(false);
  const [blocking, setBlocking] = useState(false);
  const [notice, setNotice] = useState<Problem | null>(null);
  const [blocked, setBlocked] = useState(false);
  const attachments = useAttachments(conversationId);
  const dropping = useDropping();
  const typing = useTyping(currentUser.id, other?.id);
  const announcement = useAnnouncement(
    state.messages,
    state.ready,
    currentUser.id,
    other?.full_name ?? '',
  );

  const act = useCallback(async (work: Promise<{ data: unknown; error: Problem | null }>) => {
    const { error } = await work;
    setNotice(error);
    return error === null;
  }, []);

  const back = useRef(onBack); // none once another conversation has been chosen
  useEffect(() => {
    back.current = onBack;
    return () => {
      back.current = undefined;
    };
  }, [onBack]);
  const markAsUnread = useCallback(
    async (fromSeq?: number) => {
      if (await act(session.api.markAsUnread(conversationId, fromSeq))) {
        void session.inbox.refresh(conversationId);
        await feed.open();
        back.current?.();
      }
    },
    [act, conversationId, feed, session],
  );

  const partner = state.conversation?.partner_status ?? 'active';
  const farewell =
    state.ended || partner === 'gone'
      ? t.refusals.gone
      : partner === 'apart'
        ? t.refusals.apart
        : null;
  const writable = farewell === null;
  const actions = useMemo<MessageActions>(
    () => ({
      react: (message, reaction, give) => {
        const given = message.reactions?.filter(({ user_ids }) =>
          user_ids.includes(currentUser.id),
        );
        if (give && (given?.length ?? 0) >= maxReactions) {
          setNotice(TOO_MANY_REACTIONS);
          return;
        }
        const row = {
          message_id: message.id,
          conversation_id: conversationId,
          user_id: currentUser.id,
          reaction,
        };
        feed.heardReaction(row, give);
        void act(
          give
            ? session.api.addReaction(message.id, reaction)
            : session.api.removeReaction(message.id, reaction),
        ).then((done) => {
          if (!done) {
            feed.heardReaction(row, !give);
          }
        });
      },
      reply: writable
        ? (message) => {
            setEditing(null);
            setReplying(message);
          }
        : undefined,
      edit: setEditing,
      remove: setRemoving,
      history: setHistory,
      view: setViewed,
      unread: (message) => void markAsUnread(message.seq),
      link: (message) =>
        void navigator.clipboard?.writeText(
          `${location.origin}${location.pathname}#${message.seq}`,
        ),
      retry: (message) => session.outbox.retry(message.id),
      discard: (message) => {
        session.outbox.discard(message.id);
        feed.gone(message.id);
      },
    }),
    [
      act,
      conversationId,
      currentUser.id,
      feed,
      markAsUnread,
      maxReactions,
      session,
      setHistory,
      setViewed,
      writable,
    ],
  );

  const change = async (work: Promise<{ data: UserMessage | null; error: Problem | null }>) => {
    const { data, error } = await work;
    setNotice(error);
    if (data) {
      feed.answered(data);
      session.inbox.heardMessage(data);
    }
  };

  if (state.ready && state.conversation === null && !state.problem) {
    return (
      <section className="chat">
        <EmptyState
          icon={<MessageCircleOff size={26} />}
          title={t.notHere}
          action={onBack && <Button onClick={onBack}>{t.backToYours}</Button>}
        >
          {t.notHereHint}
        </EmptyState>
      </section>
    );
  }

  const name = other?.full_name ?? '…';
  const muted = listed?.is_muted ?? state.conversation?.is_muted ?? false;
  const archived = state.conversation?.is_archived ?? false;
  const refused = state.messages.some(({ problem }) => problem?.reason === 'blocking');
  const isBlocked = blocked || refused || partner === 'blocking';

  const drop = dropping.on(writable && editing === null ? attachments : null);

  return (
    <section className="chat" aria-label={t.conversationWith(name)} {...drop}>
      <header className="chat-header">
        {onBack && (
          <IconButton label={t.back} className="chat-back" onClick={onBack}>
            <ArrowLeft className="flips" size={20} />
          </IconButton>
        )}
        {other && (
          <Avatar
            id={other.id}
            name={name}
            url={other.avatar_url ?? null}
            status={otherPresence?.status ?? 'offline'}
          />
        )}
        <div className="chat-title">
          <h2>{name}</h2>
          <p role="status" data-online={onlineUsers.length > 0}>
            {typingUsers.length > 0 ? t.typing : presenceText(otherPresence)}
          </p>
        </div>
        <Menu
          trigger={
            <IconButton label={t.conversationMenu}>
              <EllipsisVertical size={20} />
            </IconButton>
          }
        >
          <MenuItem icon={<Search size={16} />} onSelect={() => setSearching(true)}>
            {t.search}
          </MenuItem>
          <MenuItem
            icon={muted ? <Bell size={16} /> : <BellOff size={16} />}
            onSelect={() => (muted ? mute(null) : setMuting(true))}
          >
            {muted ? t.unmute : t.mute}
          </MenuItem>
          <MenuItem
            icon={archived ? <ArchiveRestore size={16} /> : <Archive size={16} />}
            onSelect={() =>
              void act(session.api.setArchived(conversationId, !archived)).then(() =>
                Promise.all([session.inbox.refresh(conversationId), feed.open()]),
              )
            }
          >
            {archived ? t.unarchive : t.archive}
          </MenuItem>
          {!state.ended && (
            <MenuItem icon={<MailOpen size={16} />} onSelect={() => void markAsUnread()}>
              {t.markUnread}
            </MenuItem>
          )}
          <MenuLine />
          {isBlocked ? (
            <MenuItem icon={<Ban size={16} />} onSelect={() => void unblock()}>
              {t.unblock}
            </MenuItem>
          ) : (
            <MenuItem danger icon={<Ban size={16} />} onSelect={() => setBlocking(true)}>
              {t.blockAsked}
            </MenuItem>
          )}
        </Menu>
      </header>

      {searching && (
        <Boundary>
          <Suspense>
            <ConversationSearch
              conversationId={conversationId}
              nameOf={(senderId) => (senderId === currentUser.id ? t.you : name)}
              onOpen={(seq) => setJump({ seq })}
              onClose={() => setSearching(false)}
            />
          </Suspense>
        </Boundary>
      )}
      {other && (
        <MessageList
          feed={feed}
          state={state}
          landing={landing}
          unread={listed?.unread_count ?? state.conversation?.unread_count ?? 0}
          currentUser={currentUser}
          otherUser={other}
          typing={typingUsers.length > 0}
          actions={actions}
          target={target}
          jump={jump}
          onRead={(seq) => void session.read(conversationId, seq)}
        />
      )}
      {!other && <div className="messages-frame" />}

      <div className="unseen" aria-live="polite">
        {announcement}
      </div>

      {notice && (
        <div className="notice" role="alert">
          <span>{told(notice)}</span>
          <Button variant="link" onClick={() => setNotice(null)}>
            {t.dismiss}
          </Button>
        </div>
      )}
      {farewell && (
        <div className="notice notice-farewell" role="status">
          <span>
            {farewell[0]} {state.ended ? t.ended : farewell[1]}
          </span>
        </div>
      )}
      {isBlocked && !farewell && (
        <div className="notice">
          <span>{t.youBlocked(name)}</span>
          <Button variant="link" onClick={() => void unblock()}>
            {t.unblock}
          </Button>
        </div>
      )}

      {dropping.now && (
        <p className="drop-zone" role="status">
          <span>{t.dropFiles(name)}</span>
        </p>
      )}
      {!farewell && (
        <MessageInput
          attachments={attachments}
          draftKey={`${currentUser.id}:${conversationId}`}
          placeholder={other ? t.writeTo(name.split(' ')[0]!) : t.message}
          onSendMessage={async (draft) => {
            typing.stop();
            await feed.latest();
            session.send(
              conversationId,
              other?.id ?? '',
              replying ? { ...draft, metadata: { reply_to: replying.seq } } : draft,
            );
            setReplying(null);
          }}
          onTyping={typing.go}
          editing={editing}
          onEdited={(message, content) => {
            if (content !== message.content) {
              void change(session.api.editMessage(message.id, content));
            }
          }}
          onEditEnd={() => setEditing(null)}
          replying={
            replying && {
              message: replying,
              name: replying.sender_id === currentUser.id ? t.you : name,
            }
          }
          onReplyEnd={() => setReplying(null)}
          onEditLast={() => {
            const last = state.messages.findLast(
              (message) =>
                message.sender_id === currentUser.id &&
                !message.is_deleted &&
                !isOnItsWay(message) &&
                message.message_type === 'text',
            );
            if (last) {
              setEditing(last);
            }
          }}
        />
      )}

      <Opened when={history !== null}>
        <EditHistory message={history} onClose={() => setHistory(null)} />
      </Opened>
      <Opened when={viewed !== null}>
        <ImageViewer
          message={viewed}
          images={state.messages.filter(isImage)}
          onView={setViewed}
          onClose={() => setViewed(null)}
        />
      </Opened>
      <Opened when={muting}>
        <MuteDialog name={name} open={muting} onOpenChange={setMuting} onMute={mute} />
      </Opened>
      <Opened when={removing !== null}>
        <ConfirmDialog
          open={removing !== null}
          onOpenChange={(open) => !open && setRemoving(null)}
          title={t.deleteQuestion}
          description={t.deleteAbout}
          action={t.delete}
          onConfirm={() => removing && void change(session.api.deleteMessage(removing.id))}
        />
      </Opened>
      <Opened when={blocking}>
        <ConfirmDialog
          open={blocking}
          onOpenChange={setBlocking}
          title={t.blockQuestion(name)}
          description={t.blockAbout}
          action={t.block}
          onConfirm={() => other && void act(session.api.blockUser(other.id)).then(setBlocked)}
        />
      </Opened>
    </section>
  );

  function mute(until: string | null) {
    void act(session.api.setMuted(conversationId, until)).then(() =>
      Promise.all([session.inbox.refresh(conversationId), feed.open()]),
    );
  }

  async function unblock() {
    if (other && (await act(session.api.unblockUser(other.id)))) {
      setBlocked(false);
      state.messages
        .filter(({ delivery }) => delivery === 'failed')
        .forEach((message) => session.outbox.retry(message.id));
    }
  }

  function presenceText(presence: Presence | null): string {
    const status = presence?.status ?? 'offline';
    return status === 'offline' && presence?.last_seen
      ? t.lastSeen(times.ago(presence.last_seen))
      : t.statuses[status];
  }
}

function isImage({ message_type, file_url, is_deleted }: ChatMessage): boolean {
  return (
    message_type === 'image' &&
    !is_deleted &&
    (/^https?:\/\//i.test(file_url ?? '') || isStored(file_url))
  );
}

/** Files that somebody drags over the conversation. */
function useDropping() {
  const [now, setNow] = useState(false);
  const on = (attachments: Attachments | null) => {
    return (
      attachments && {
        onDragOver: (event: DragEvent) => {
          if (hasFiles(event.dataTransfer)) {
            event.preventDefault();
            event.dataTransfer.dropEffect = 'copy' as const;
            setNow(true);
          }
        },
        onDragLeave: ({ currentTarget, relatedTarget }: DragEvent) => {
          const within = currentTarget.contains(relatedTarget as Node | null);
          setNow((was) => was && within);
        },
        onDrop: (event: DragEvent) => {
          setNow(false);
          if (hasFiles(event.dataTransfer)) {
            event.preventDefault();
            attachments.add(filesIn(event.dataTransfer));
          }
        },
      }
    );
  };
  return { now, on };
}

/** A message that a dialog shows as it is now; null when it is closed, or what it showed was taken back. */
function useShown(messages: ChatMessage[]) {
  const [id, setId] = useState<string | null>(null);
  const show = useCallback((message: ChatMessage | null) => setId(message?.id ?? null), []);
  const message = messages.find((one) => one.id === id && !one.is_deleted) ?? null;
  return [message, show] as const;
}

/** Tells the other one, again while it goes on, and when it ends. */
function useTyping(userId: string, otherId: string | undefined) {
  const { api } = useChat();
  const { typingTimeout } = useSettings();
  const told = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const stop = useCallback(() => {
    clearTimeout(timer.current);
    if (told.current > 0) {
      told.current = 0;
      void api.updateTypingStatus(userId, null);
    }
  }, [api, userId]);
  const go = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = setTimeout(stop, typingTimeout);
    if (otherId && Date.now() - told.current > typingTimeout * 0.6) {
      told.current = Date.now();
      void api.updateTypingStatus(userId, otherId);
    }
  }, [api, userId, otherId, stop, typingTimeout]);
  useEffect(() => stop, [stop]);
  return { go, stop };
}

/** What a screen reader says: messages of the other one that come while the page is open, not the history. */
function useAnnouncement(
  messages: ChatMessage[],
  ready: boolean,
  userId: string,
  name: string,
): string {
  const newest = messages.findLast((message) => !isOnItsWay(message));
  const seen = useRef<number | null>(null);
  const [text, setText] = useState('');
  useEffect(() => {
    if (!ready || !newest) {
      return;
    }
    if (seen.current !== null && newest.seq > seen.current && newest.sender_id !== userId) {
      setText(`${name}: ${newest.content}`);
    }
    seen.current = Math.max(seen.current ?? 0, newest.seq);
  }, [ready, newest, userId, name]);
  return text;
}

// The specification's hook, repaired: typing clears, presence starts from a first load, what was missed is caught up with,
// one's own message is there once. Needs a ChatProvider above it.
import { useCallback, useEffect, useMemo, useState } from 'react';
import { useChat, useSettings, useStore } from './use-chat';
import type { ChatMessage, ReactionRow, UserMessage, UserPresence } from '@/lib/types';

/** Milliseconds longer than the server's, which is the one that usually ends it. */
const LONGER = 1500;

/** Where a visit begins: at the first unread message, if there is one. */
export interface Landing {
  unread: number | null;
}

export function useRealtimeChat(conversationId: string, userId: string) {
  const session = useChat();
  const typingShown = useSettings().typingTimeout + LONGER;
  const feed = useMemo(() => session.feed(conversationId), [session, conversationId]);
  const state = useStore(feed);
  const { presence } = useStore(session);
  const [typingUsers, setTypingUsers] = useState<string[]>([]);
  const [landing, setLanding] = useState<Landing | null>(null);

  useEffect(() => {
    const timers = new Map<string, ReturnType<typeof setTimeout>>();
    const stopped = (id: string) => {
      clearTimeout(timers.get(id));
      timers.delete(id);
      setTypingUsers((now) => (now.includes(id) ? now.filter((one) => one !== id) : now));
    };
    const typing = (id: string) => {
      clearTimeout(timers.get(id));
      timers.set(
        id,
        setTimeout(() => stopped(id), typingShown),
      );
      setTypingUsers((now) => (now.includes(id) ? now : [...now, id]));
    };
    const presenceHeard = (row: UserPresence) => {
      if (row.user_id === userId) {
        return;
      }
      if (row.is_typing_to === userId) {
        typing(row.user_id);
      } else if ('is_typing_to' in row || row.status === 'offline') {
        stopped(row.user_id); // a row for the team says nothing about typing
      }
    };

    // The client sends these objects again at each join, so `since` moves in place.
    const messages = {
      event: '*',
      schema: 'public',
      table: 'user_messages',
      filter: `conversation_id=eq.${conversationId}`,
    } as const;
    const resuming: { since?: number } & typeof messages = messages;
    const advance = () => {
      const { since } = feed;
      if (since !== null) {
        resuming.since = since;
      }
    };
    advance();
    let ended = false;
    let visiting: Promise<void> | null = null;
    const land = async () => {
      const unread = await feed.visit();
      if (ended || !feed.get().ready) {
        visiting = null;
      } else {
        setLanding({ unread });
      }
    };
    const caughtUp = async () => {
      if (visiting) {
        await visiting;
        await feed.catchUp();
      } else {
        await (visiting = land());
      }
      advance();
    };

    const channel = session.supabase
      .channel(`conversation-${conversationId}`)
      .on('postgres_changes', resuming, ({ eventType, new: row, old }) => {
        if (eventType === 'DELETE') {
          feed.gone((old as UserMessage).id);
          return;
        }
        const message = row as UserMessage;
        feed.heard(message);
        advance();
        if (eventType === 'INSERT') {
          stopped(message.sender_id);
        }
      })
      .on(
        'postgres_changes',
        {
          event: '*',
          schema: 'public',
          table: 'message_reactions',
          filter: `conversation_id=eq.${conversationId}`,
        },
        ({ eventType, new: row, old }) =>
          feed.heardReaction(
            (eventType === 'DELETE' ? old : row) as ReactionRow,
            eventType !== 'DELETE',
          ),
      )
      .on(
        'postgres_changes',
        { event: '*', schema: 'public', table: 'user_presence' },
        ({ eventType, new: row }) => {
          if (eventType !== 'DELETE') {
            presenceHeard(row as UserPresence);
          }
        },
      )
      .on('system', {}, ({ status }: { status?: string }) => {
        if (status === 'resync') {
          feed.lost();
          void caughtUp();
        }
      })
      .subscribe((status) => {
        if (status === 'SUBSCRIBED') {
          void caughtUp();
        } else {
          feed.lost();
          advance();
        }
      });
    void caughtUp();
    const endRejoin = session.onRejoin(() => void caughtUp());

    return () => {
      ended = true;
      endRejoin();
      timers.forEach(clearTimeout);
      setTypingUsers([]);
      feed.lost();
      void session.supabase.removeChannel(channel);
    };
  }, [session, feed, conversationId, userId, typingShown]);

  // From the first load, then from what was heard.
  const other = state.conversation?.other_user;
  const otherPresence = other ? (presence.get(other.id) ?? other.presence) : null;
  const onlineUsers = useMemo(
    () => (other && otherPresence && otherPresence.status !== 'offline' ? [other.id] : []),
    [other, otherPresence],
  );

  const setMessages = useCallback(
    (change: (messages: ChatMessage[]) => ChatMessage[]) =>
      feed.set(({ messages }) => ({ messages: change(messages) })),
    [feed],
  );

  return { ...state, feed, landing, typingUsers, onlineUsers, otherPresence, setMessages };
}

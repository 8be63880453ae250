// One signed-in person: the client, the list, the conversations visited, what is being sent, and the channel that keeps the list right.
import type { SupabaseClient } from '@supabase/supabase-js';
import { ConversationFeed } from './conversation-feed';
import { Deliveries } from './deliveries';
import { FileAddresses } from './file-addresses';
import { Inbox } from './inbox';
import { keep, kept } from './keep';
import { Outbox, type Draft } from './outbox';
import { Store } from './store';
import type {
  BlockRow,
  Conversation,
  ConversationRow,
  PresenceStatus,
  UnreadTotal,
  User,
  UserMessage,
  UserPresence,
} from './types';
import { Uploads } from './uploads';
import { UserChatAPI } from './user-chat';

const REMEMBERED_CONVERSATIONS = 20;
const LONGEST_TIMER = 2 ** 31 - 1; // milliseconds: what a browser can wait
const LATE = 1_000; // milliseconds by which a mute ends here after it ended there, whose time is known to the second
const PROBE = 5_000; // milliseconds between two questions whether the service answers again

export type Connection = 'connecting' | 'online' | 'lost';

export interface SessionState {
  connection: Connection;
  /** The service takes this person's token no more, and there is no other. */
  signedOut: boolean;
  status: PresenceStatus;
  presence: ReadonlyMap<string, UserPresence>;
  /** What is unread in all conversations, as the database counts it; null before the first answer. */
  unread: UnreadTotal | null;
}

/** Told of each message that somebody else sends, wherever it is. */
export type MessageListener = (message: UserMessage) => void;

export class ChatSession extends Store<SessionState> {
  readonly api: UserChatAPI;
  readonly inbox: Inbox;
  readonly archive: Inbox;
  readonly outbox: Outbox;
  readonly files: FileAddresses;
  /** Files that were chosen and not sent, by conversation. */
  readonly chosenFiles = new Map<string, readonly File[]>();
  private readonly uploads: Uploads;
  private readonly deliveries: Deliveries;
  private readonly feeds = new Map<string, ConversationFeed>();
  private readonly messageListeners = new Set<MessageListener>();
  private readonly rejoinListeners = new Set<() => void>();
  private readonly heardMessages = new Map<string, number>();
  private readonly untold = new Map<string, number>(); // how far was read where the service did not hear of it
  private readonly positions = new Map<string, string>();
  private probing: ReturnType<typeof setTimeout> | undefined;
  private ended = false;
  private counting = false;
  private countAgain = false;

  constructor(
    readonly supabase: SupabaseClient,
    readonly user: User,
    first: Conversation[] | null = null,
  ) {
    super({
      connection: 'connecting',
      signedOut: false,
      status: (kept(`status:${user.id}`) as PresenceStatus | null) ?? 'online',
      presence: new Map(),
      unread: null,
    });
    this.api = new UserChatAPI(supabase, (signedIn) => this.heardSignedIn(signedIn));
    this.deliveries = new Deliveries(this.api);
    this.inbox = new Inbox(user.id, this.api, false, first, (loaded) =>
      loaded
        .filter(({ delivered_seq, last_message_seq }) => last_message_seq > delivered_seq)
        .forEach(({ id, last_message_seq }) => this.deliveries.received(id, last_message_seq)),
    );
    this.archive = new Inbox(user.id, this.api, true);
    this.files = new FileAddresses(supabase);
    this.uploads = new Uploads(supabase);
    this.outbox = new Outbox(user.id, this.api, this.uploads, {
      waiting: (message) => this.feeds.get(message.conversation_id)?.add(message),
      changed: (conversationId, messageId, change) =>
        this.feeds.get(conversationId)?.change(messageId, () => change),
      sent: (message) => {
        this.feeds.get(message.conversation_id)?.answered(message);
        this.inbox.heardMessage(message);
      },
    });
  }

  /** Subscribes and loads. Returns how to end it. */
  start(): () => void {
    const changes = { schema: 'public' } as const;
    this.supabase
      .channel(`user-${this.user.id}`)
      .on(
        'postgres_changes',
        { ...changes, event: 'INSERT', table: 'user_messages' },
        ({ new: row }) => this.heardMessage(row as UserMessage, true),
      )
      .on(
        'postgres_changes',
        { ...changes, event: 'UPDATE', table: 'user_messages' },
        ({ new: row }) => this.heardMessage(row as UserMessage, false),
      )
      .on(
        'postgres_changes',
        { ...changes, event: '*', table: 'user_conversations' },
        ({ eventType, new: row, old }) => {
          if (eventType === 'DELETE') {
            this.count();
            this.inbox.remove((old as ConversationRow).id);
            this.feeds.get((old as ConversationRow).id)?.ended();
          } else {
            this.heardConversation(row as ConversationRow);
          }
        },
      )
      .on(
        'postgres_changes',
        { ...changes, event: '*', table: 'user_presence' },
        ({ eventType, new: row }) => {
          if (eventType !== 'DELETE') {
            this.heardPresence(row as UserPresence);
          }
        },
      )
      .on(
        'postgres_changes',
        { ...changes, event: '*', table: 'conversation_preferences' },
        ({ new: row, old }) => {
          this.count();
          const id =
            (row as { conversation_id?: string }).conversation_id ??
            (old as { conversation_id?: string }).conversation_id;
          if (id) {
            void this.inbox.refresh(id);
            void this.feeds.get(id)?.openAgain(); // it may be marked as unread
            if (this.archive.get().ready) {
              void this.archive.refresh(id);
            }
          }
        },
      )
      .on(
        'postgres_changes',
        { ...changes, event: '*', table: 'user_blocks' },
        ({ eventType, new: row, old }) => {
          const { blocked_id } = (eventType === 'DELETE' ? old : row) as BlockRow;
          this.inbox.heardBlock(blocked_id);
          this.feeds.forEach((feed) => {
            if (feed.get().conversation?.other_user.id === blocked_id) {
              void feed.openAgain();
            }
          });
        },
      )
      .on('system', {}, ({ status }: { status?: string }) => {
        if (status === 'resync') {
          this.catchUp();
        }
      })
      .subscribe((status) => {
        if (status === 'SUBSCRIBED') {
          this.set({ connection: 'online' });
          this.catchUp();
          void this.api.updatePresence(this.user.id, this.get().status, location.pathname);
        } else if (status !== 'CLOSED') {
          this.set({ connection: 'lost' });
          this.probe();
        }
      });
    this.ended = false;
    void this.inbox.load();
    this.outbox.start();
    this.deliveries.start();

    const stopMutes = [this.inbox, this.archive].map((list) => this.endMutesOf(list));
    const online = () => this.reconnect(); // the old socket may be dead without knowing it
    const offline = () => {
      this.set({ connection: 'lost' });
      this.uploads.stop();
    };
    const shown = () => {
      if (document.visibilityState === 'visible' && this.get().connection === 'online') {
        this.catchUp(); // timers sleep in the background; so may have the machine
      }
    };
    addEventListener('online', online);
    addEventListener('offline', offline);
    document.addEventListener('visibilitychange', shown);
    return () => {
      this.ended = true;
      clearTimeout(this.probing);
      stopMutes.forEach((stop) => stop());
      removeEventListener('online', online);
      removeEventListener('offline', offline);
      document.removeEventListener('visibilitychange', shown);
      this.outbox.close();
      this.deliveries.close();
      void this.supabase.removeAllChannels().then(() => this.supabase.realtime.disconnect());
    };
  }

  /** Mutes end when their time comes: one timer, for the next of them. */
  private endMutesOf(list: Inbox): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = () => {
      clearTimeout(timer);
      const left = list.untilMuteEnds();
      if (left !== null) {
        timer = setTimeout(
          () => {
            list.endMutes();
            this.count();
          },
          Math.min(left + LATE, LONGEST_TIMER),
        );
      }
    };
    const unsubscribe = list.subscribe(wait);
    wait();
    return () => {
      unsubscribe();
      clearTimeout(timer);
    };
  }

  /** The conversation as far as it is known; the ones visited last are remembered. */
  feed(conversationId: string): ConversationFeed {
    let feed = this.feeds.get(conversationId);
    if (feed) {
      this.feeds.delete(conversationId); // to the end: visited last
    } else {
      feed = new ConversationFeed(conversationId, this.api);
      this.outbox.of(conversationId).forEach((message) => feed!.add(message));
    }
    this.feeds.set(conversationId, feed);
    for (const oldest of this.feeds.keys()) {
      if (this.feeds.size <= REMEMBERED_CONVERSATIONS) {
        break;
      }
      this.feeds.delete(oldest);
    }
    return feed;
  }

  send(conversationId: string, recipientId: string, draft: Draft): void {
    this.outbox.send(conversationId, recipientId, draft);
  }

  async read(conversationId: string, upToSeq: number): Promise<void> {
    this.inbox.read(conversationId, upToSeq);
    this.deliveries.read(conversationId, upToSeq);
    this.feeds.get(conversationId)?.heardRead(upToSeq);
    const { data, error } = await this.api.markConversationAsRead(conversationId, upToSeq);
    if (error) {
      if (error.temporary) {
        this.untold.set(conversationId, Math.max(upToSeq, this.untold.get(conversationId) ?? 0));
      }
      void this.inbox.refresh(conversationId);
    } else {
      this.inbox.read(conversationId, upToSeq, data);
    }
    this.count();
  }

  setStatus(status: PresenceStatus): void {
    keep(`status:${this.user.id}`, status === 'online' ? null : status);
    this.set({ status });
    void this.api.updatePresence(this.user.id, status, location.pathname);
  }

  /** While the socket is away: is it the connection, or has the token ended? The socket itself does not tell. */
  private probe(): void {
    clearTimeout(this.probing);
    if (!this.ended && (this.get().connection === 'lost' || this.get().signedOut)) {
      this.resume();
      this.probing = setTimeout(() => this.probe(), PROBE * (0.75 + Math.random() / 2));
    }
  }

  /** Asks for a token and tries it, as after a sign-in. */
  resume(): void {
    void this.supabase.realtime.setAuth().catch(() => {}); // the answer says whether there is one
    this.count();
  }

  onMessage(listener: MessageListener): () => void {
    this.messageListeners.add(listener);
    return () => this.messageListeners.delete(listener);
  }

  /** Called after each time something may have been missed. */
  onRejoin(listener: () => void): () => void {
    this.rejoinListeners.add(listener);
    return () => this.rejoinListeners.delete(listener);
  }

  /** Asks what is unread in all: one call at a time, and one more when something happened meanwhile. */
  private count(): void {
    if (this.counting) {
      this.countAgain = true;
      return;
    }
    this.counting = true;
    void this.api.getUnreadTotal().then(({ data }) => {
      this.counting = false;
      if (data) {
        this.set({ unread: data });
      }
      if (this.countAgain) {
        this.countAgain = false;
        this.count();
      }
    });
  }

  private heardSignedIn(signedIn: boolean): void {
    if (signedIn !== this.get().signedOut) {
      return;
    }
    this.set({ signedOut: !signedIn });
    if (!signedIn) {
      this.probe();
    }
    if (signedIn) {
      this.outbox.hurry();
      void this.supabase.realtime
        .setAuth()
        .catch(() => {})
        .then(() => this.reconnect());
    }
  }

  private reconnect(): void {
    void this.supabase.realtime.disconnect().finally(() => this.supabase.realtime.connect());
  }

  private catchUp(): void {
    this.count();
    this.set({ presence: new Map() }); // what is loaded now is newer than what was heard before
    void this.inbox.load();
    if (this.archive.get().ready) {
      void this.archive.load();
    }
    this.outbox.hurry();
    this.deliveries.hurry();
    for (const [conversationId, seq] of this.untold) {
      this.untold.delete(conversationId);
      void this.read(conversationId, seq);
    }
    this.rejoinListeners.forEach((listener) => listener());
  }

  private heardMessage(message: UserMessage, isNew: boolean): void {
    if ((this.heardMessages.get(message.id) ?? -1) >= message.revision) {
      return;
    }
    this.heardMessages.set(message.id, message.revision);
    this.count();
    if (this.heardMessages.size > 1000) {
      this.heardMessages.delete(this.heardMessages.keys().next().value!);
    }
    this.inbox.heardMessage(message);
    if (this.archive.get().ready) {
      this.archive.heardMessage(message);
    }
    if (isNew && message.sender_id !== this.user.id) {
      this.deliveries.received(message.conversation_id, message.seq);
      void this.tell(message);
    }
  }

  private async tell(message: UserMessage): Promise<void> {
    if (this.inbox.find(message.conversation_id)?.is_muted ?? true) {
      await this.inbox.refresh(message.conversation_id); // the time may be over for which it was muted
    }
    this.messageListeners.forEach((listener) => listener(message));
  }

  private heardConversation(row: ConversationRow): void {
    const now = [row.participant_1_read_seq, row.participant_2_read_seq, row.is_archived].join();
    const before = this.positions.get(row.id);
    this.positions.set(row.id, now);
    // The same again: what changed is the partner, who may be active no more. A first one may be either.
    const read = before !== undefined && before !== now;
    const feed = this.feeds.get(row.id);
    feed?.heardConversation(row, this.user.id);
    if (this.inbox.heardDelivery(row)) {
      return;
    }
    this.count();
    this.inbox.heardConversation(row, read);
    if (!read) {
      void feed?.openAgain();
    }
  }

  private heardPresence(row: UserPresence): void {
    this.set(({ presence }) => ({ presence: new Map(presence).set(row.user_id, row) }));
    this.inbox.heardPresence(row);
    if (
      row.user_id === this.user.id &&
      row.status === 'offline' &&
      this.get().connection === 'online'
    ) {
      // Another of our sockets ended, and we are still here.
      void this.api.updatePresence(this.user.id, this.get().status, location.pathname);
    }
  }
}

// The person's conversations: loaded in pages, kept right by what the channel brings.
import { serverNow } from './server-clock';
import { PAGE_SIZE } from './settings';
import { Store } from './store';
import type { Conversation, ConversationRow, Problem, UserMessage, UserPresence } from './types';
import type { UserChatAPI } from './user-chat';

export interface InboxState {
  conversations: Conversation[];
  ready: boolean;
  hasMore: boolean;
  loadingMore: boolean;
  problem: Problem | null;
}

export class Inbox extends Store<InboxState> {
  private readonly fetching = new Map<string, { again: boolean; done: Promise<void> }>();

  constructor(
    private readonly userId: string,
    private readonly api: UserChatAPI,
    private readonly archived = false,
    first: Conversation[] | null = null,
    private readonly onLoaded: (conversations: Conversation[]) => void = () => {},
  ) {
    super({
      conversations: first ?? [],
      ready: first !== null,
      hasMore: first?.length === PAGE_SIZE,
      loadingMore: false,
      problem: null,
    });
  }

  /** The newest page; of what was loaded beyond it only the order may be behind. */
  async load(): Promise<void> {
    const { data, error } = await this.api.getConversations(this.userId, {
      archived: this.archived,
      limit: PAGE_SIZE,
    });
    if (error) {
      this.set({ problem: error });
      return;
    }
    this.onLoaded(data);
    this.set((now) => {
      const loaded = new Set(data.map(({ id }) => id));
      const held = new Map(now.conversations.map((one) => [one.id, one]));
      const end = data.at(-1);
      // What lies within the page's time and is not in it has left the list.
      const beyond =
        data.length < PAGE_SIZE || !end
          ? []
          : now.conversations.filter((one) => !loaded.has(one.id) && moment(one) < moment(end));
      return {
        // What was heard while the page was on its way is newer than it.
        conversations: [
          ...data.map((one) => {
            const heard = held.get(one.id);
            return heard && heard.revision > one.revision ? heard : withPositions(one, heard);
          }),
          ...beyond,
        ].sort(byMoment),
        ready: true,
        hasMore: now.ready && beyond.length > 0 ? now.hasMore : data.length === PAGE_SIZE,
        problem: null,
      };
    });
  }

  async loadMore(): Promise<void> {
    const { conversations, hasMore, loadingMore } = this.get();
    const last = conversations.at(-1);
    if (!hasMore || loadingMore || !last) {
      return;
    }
    this.set({ loadingMore: true });
    const { data, error } = await this.api.getConversations(this.userId, {
      after: last,
      archived: this.archived,
      limit: PAGE_SIZE,
    });
    this.onLoaded(data ?? []);
    this.set((now) => ({
      loadingMore: false,
      problem: error,
      ...(data && {
        conversations: data.reduce(placed, now.conversations),
        hasMore: data.length === PAGE_SIZE,
      }),
    }));
  }

  /**
   * Reads one conversation anew, as when it is opened, comes back from the archive or is muted. What changes while it is
   * being read may not be in the answer, so then it is read once more.
   */
  refresh(conversationId: string): Promise<void> {
    const running = this.fetching.get(conversationId);
    if (running) {
      running.again = true;
      return running.done;
    }
    const reading = { again: false, done: Promise.resolve() };
    this.fetching.set(conversationId, reading);
    reading.done = (async () => {
      do {
        reading.again = false;
        const { data } = await this.api.getConversation(conversationId);
        if (data && data.is_archived === this.archived) {
          this.put(this.withHeardMessages(data));
        } else if (data) {
          this.remove(conversationId);
        }
      } while (reading.again);
      this.fetching.delete(conversationId);
    })();
    return reading.done;
  }

  /** An answer with the messages that were heard while it was on its way. */
  private withHeardMessages(answer: Conversation): Conversation {
    const held = this.find(answer.id);
    return held && held.revision > answer.revision
      ? {
          ...withPositions(answer, held),
          last_message: held.last_message,
          last_message_at: held.last_message_at,
          last_message_seq: held.last_message_seq,
          read_seq: held.read_seq,
          unread_count: held.unread_count,
          first_unread_seq: held.first_unread_seq,
          revision: held.revision,
        }
      : withPositions(answer, held);
  }

  heardMessage(message: UserMessage): void {
    const held = this.find(message.conversation_id);
    if (!held || this.archived) {
      if (!this.archived || held) {
        void this.refresh(message.conversation_id);
      }
      return;
    }
    const mine = message.sender_id === this.userId;
    if (message.is_deleted && !mine && message.seq > held.read_seq) {
      void this.refresh(message.conversation_id); // it was unread, and is no longer counted
      return;
    }
    if (
      message.seq < held.last_message_seq ||
      (message.seq === held.last_message_seq &&
        held.last_message?.id !== message.id &&
        held.last_message)
    ) {
      return;
    }
    const isNew = message.seq > held.last_message_seq;
    const read = isNew && mine ? message.seq : held.read_seq;
    this.put({
      ...held,
      last_message: {
        id: message.id,
        seq: message.seq,
        sender_id: message.sender_id,
        content: message.content,
        message_type: message.message_type,
        created_at: message.created_at,
        is_deleted: message.is_deleted,
      },
      last_message_at: isNew ? message.created_at : held.last_message_at,
      last_message_seq: message.seq,
      read_seq: read,
      other_read_seq: isNew && !mine ? message.seq : held.other_read_seq,
      delivered_seq: isNew && mine ? message.seq : held.delivered_seq,
      other_delivered_seq: isNew && !mine ? message.seq : held.other_delivered_seq,
      // Numbers have no gaps, and whoever sends has read.
      unread_count:
        isNew && mine ? 0 : held.unread_count + Math.max(0, message.seq - held.last_message_seq),
      first_unread_seq:
        isNew && mine
          ? null
          : (held.first_unread_seq ?? (isNew ? held.last_message_seq + 1 : null)),
      revision: Math.max(held.revision, message.revision),
    });
  }

  /** Whether a row tells no more than that something was received, which changes nothing of what is unread. */
  heardDelivery(row: ConversationRow): boolean {
    const held = this.find(row.id);
    if (!held) {
      return false;
    }
    const told = positionsIn(row, this.userId);
    const mySeq =
      row.participant_1_id === this.userId
        ? row.participant_1_read_seq
        : row.participant_2_read_seq;
    const isDelivery =
      (told.delivered_seq > held.delivered_seq ||
        told.other_delivered_seq > held.other_delivered_seq) &&
      told.other_read_seq <= held.other_read_seq &&
      mySeq <= held.read_seq &&
      (!row.is_archived || held.is_archived);
    if (isDelivery) {
      this.put(withPositions(held, told));
    }
    return isDelivery;
  }

  /** @param read whether the row tells of a read or an archive; else its partner is active no more, or again */
  heardConversation(row: ConversationRow, read: boolean): void {
    const held = this.find(row.id);
    if (!held) {
      if (row.created_by === this.userId) {
        void this.refresh(row.id);
      }
      return;
    }
    const mine = row.participant_1_id === this.userId;
    const mySeq = mine ? row.participant_1_read_seq : row.participant_2_read_seq;
    this.put(withPositions(held, positionsIn(row, this.userId)));
    // Read on another device: the database knows what is left.
    if (
      !read ||
      mySeq > held.read_seq ||
      (row.is_archived !== held.is_archived && !this.archived)
    ) {
      void this.refresh(row.id);
    }
  }

  /** This person has read up to a number here; what is left, the answer of the database says. */
  read(conversationId: string, mySeq: number, unread?: number): void {
    const held = this.find(conversationId);
    if (held) {
      const read = Math.max(held.read_seq, mySeq);
      const left = unread ?? Math.min(held.unread_count, Math.max(0, held.last_message_seq - read));
      this.put({
        ...held,
        read_seq: read,
        unread_count: left,
        first_unread_seq: left === 0 ? null : held.first_unread_seq,
      });
    }
  }

  /** A block was set or lifted. */
  heardBlock(otherUserId: string): void {
    this.get()
      .conversations.filter(({ other_user }) => other_user.id === otherUserId)
      .forEach(({ id }) => void this.refresh(id));
  }

  heardPresence(row: UserPresence): void {
    this.set(({ conversations }) => ({
      conversations: conversations.map((conversation) =>
        conversation.other_user.id === row.user_id
          ? {
              ...conversation,
              other_user: {
                ...conversation.other_user,
                presence: { status: row.status, last_seen: row.last_seen },
              },
            }
          : conversation,
      ),
    }));
  }

  /** Milliseconds until the next mute of these ends; null where none does. */
  untilMuteEnds(): number | null {
    const ends = this.get()
      .conversations.filter(({ is_muted }) => is_muted)
      .flatMap(({ muted_until }) => muted_until ?? [])
      .map((moment) => Date.parse(moment));
    return ends.length === 0 ? null : Math.max(0, Math.min(...ends) - serverNow());
  }

  /** Mutes whose time is over are none, without asking. */
  endMutes(): void {
    this.set(({ conversations }) => ({
      conversations: conversations.map((one) =>
        one.is_muted && one.muted_until && Date.parse(one.muted_until) <= serverNow()
          ? { ...one, is_muted: false, muted_until: null }
          : one,
      ),
    }));
  }

  remove(conversationId: string): void {
    this.set(({ conversations }) => ({
      conversations: conversations.filter(({ id }) => id !== conversationId),
    }));
  }

  find(conversationId: string): Conversation | undefined {
    return this.get().conversations.find(({ id }) => id === conversationId);
  }

  private put(conversation: Conversation): void {
    this.set(({ conversations }) => ({ conversations: placed(conversations, conversation) }));
  }
}

type Positions = Pick<Conversation, 'delivered_seq' | 'other_read_seq' | 'other_delivered_seq'>;

/** How far each has received, and the other has read, by a row. */
export function positionsIn(row: ConversationRow, userId: string): Positions {
  const one = { read: row.participant_1_read_seq, delivered: row.participant_1_delivered_seq };
  const two = { read: row.participant_2_read_seq, delivered: row.participant_2_delivered_seq };
  const [mine, theirs] = row.participant_1_id === userId ? [one, two] : [two, one];
  return {
    delivered_seq: Math.max(mine.delivered, mine.read),
    other_read_seq: theirs.read,
    other_delivered_seq: Math.max(theirs.delivered, theirs.read),
  };
}

/** A conversation whose positions are at least these: they never go back, but an answer may be older than what was heard. */
export function withPositions(
  one: Conversation,
  known: Positions | null | undefined,
): Conversation {
  return known
    ? {
        ...one,
        delivered_seq: Math.max(one.delivered_seq, known.delivered_seq),
        other_read_seq: Math.max(one.other_read_seq, known.other_read_seq),
        other_delivered_seq: Math.max(one.other_delivered_seq, known.other_delivered_seq),
      }
    : one;
}

/** The list with one conversation as it is now, at its place by time; the others stay in their order. */
function placed(conversations: Conversation[], one: Conversation): Conversation[] {
  const list = conversations.filter(({ id }) => id !== one.id);
  let [from, to] = [0, list.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (byMoment(list[middle]!, one) < 0) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  list.splice(from, 0, one);
  return list;
}

/** Messages that are unread and not muted in these conversations: until the database has counted all. */
export function unreadIn(conversations: Conversation[]): number {
  return conversations.reduce(
    (sum, { unread_count, is_muted }) => sum + (is_muted ? 0 : unread_count),
    0,
  );
}

function moment(conversation: Conversation): number {
  return Date.parse(conversation.last_message_at ?? conversation.created_at);
}

function byMoment(a: Conversation, b: Conversation): number {
  return moment(b) - moment(a) || (a.id < b.id ? 1 : -1);
}

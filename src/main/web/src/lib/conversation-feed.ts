// The messages of one conversation as far as they are loaded: an unbroken run of numbers, and what is on its way.
import { positionsIn, withPositions } from './inbox';
import { PAGE_SIZE } from './settings';
import { Store } from './store';
import type {
  ChatMessage,
  Conversation,
  ConversationRow,
  Problem,
  ReactionRow,
  UserMessage,
} from './types';
import type { UserChatAPI } from './user-chat';

const MOST_CHANGES = 1000; // more than that missed: the newest page instead

export interface FeedState {
  /** Ascending by number; what is not stored yet comes last. */
  messages: ChatMessage[];
  /** Messages outside of these that some of them answer, by number; null for one that is not there any more. */
  answered: ReadonlyMap<number, UserMessage | null>;
  conversation: Conversation | null;
  ready: boolean;
  loadingOlder: boolean;
  hasOlder: boolean;
  /** True after a jump into the past: the newest messages are not here. */
  hasNewer: boolean;
  problem: Problem | null;
  /** The conversation was deleted while it was open, and its partner with it: what is here can still be read. */
  ended: boolean;
}

export class ConversationFeed extends Store<FeedState> {
  /** Everything up to this revision is here; what `since` says when the channel joins. */
  revision: number | null = null;
  private behind: number | null = null; // the revision from which to catch up, while the channel is not joined
  private opening: Promise<void> | null = null;
  private catchingUp: Promise<void> | null = null;
  private again = false;
  private readonly asked = new Set<number>();

  constructor(
    readonly id: string,
    private readonly api: UserChatAPI,
  ) {
    super({
      messages: [],
      answered: new Map(),
      conversation: null,
      ready: false,
      loadingOlder: false,
      hasOlder: false,
      hasNewer: false,
      problem: null,
      ended: false,
    });
  }

  /**
   * Somebody comes to look: what came since is fetched, and with it the messages where reading goes on. Returns the number of the
   * first unread one; null when there is none.
   */
  async visit(): Promise<number | null> {
    await (this.get().ready ? this.catchUp() : this.open());
    const { conversation, hasNewer } = this.get();
    const first = conversation?.first_unread_seq ?? null;
    if (first !== null) {
      await this.around(first);
    } else if (hasNewer) {
      await this.latest();
    }
    return first;
  }

  /** The newest page and the conversation itself; when they are here already, what came since. */
  open(): Promise<void> {
    this.opening ??= this.load().finally(() => (this.opening = null));
    return this.opening;
  }

  /** As open, after something was heard of: what is being read already may be older. */
  async openAgain(): Promise<void> {
    await this.opening;
    await this.open();
  }

  private async load(): Promise<void> {
    const [conversation, page] = await Promise.all([
      this.api.getConversation(this.id),
      this.get().ready ? null : this.api.getMessages(this.id, PAGE_SIZE),
    ]);
    const error = conversation.error ?? page?.error ?? null;
    if (error) {
      this.set({ problem: error });
      return;
    }
    if (conversation.data === null && this.get().conversation) {
      this.ended();
      return;
    }
    if (page && !this.get().conversation) {
      // The first time here: the page around the first unread message, where that lies before the newest page.
      const first = conversation.data?.first_unread_seq ?? null;
      if (first !== null && first < (page.data![0]?.seq ?? 0)) {
        this.set({ conversation: conversation.data });
        if (await this.fetchAround(first)) {
          this.revision = Math.max(this.revision ?? 0, conversation.data!.revision);
        }
        return;
      }
    }
    this.set((now) => ({
      conversation: conversation.data && withPositions(conversation.data, now.conversation),
      problem: null,
    }));
    if (page) {
      const held = this.get().messages.filter(
        (message) => isOnItsWay(message) && !page.data!.some((stored) => became(message, stored)),
      );
      const live = this.get().messages.filter((message) => !isOnItsWay(message));
      this.set({
        messages: [...page.data!, ...held],
        hasOlder: page.data!.length === PAGE_SIZE,
        hasNewer: false,
        ready: true,
      });
      live.forEach((message) => this.put(message, false));
      this.revision = Math.max(this.revision ?? 0, ...page.data!.map(({ revision }) => revision));
    }
  }

  async loadOlder(): Promise<void> {
    const { hasOlder, loadingOlder, messages } = this.get();
    const first = messages.find((message) => !isOnItsWay(message));
    if (!hasOlder || loadingOlder || !first) {
      return;
    }
    this.set({ loadingOlder: true });
    const { data, error } = await this.api.getMessages(this.id, PAGE_SIZE, { before: first.seq });
    if (error) {
      this.set({ loadingOlder: false, problem: error });
      return;
    }
    this.set((now) => ({
      messages: [
        ...data.filter(({ id }) => !now.messages.some((message) => message.id === id)),
        ...now.messages,
      ],
      hasOlder: data.length === PAGE_SIZE,
      loadingOlder: false,
      problem: null,
    }));
  }

  async loadNewer(): Promise<void> {
    const { hasNewer, messages } = this.get();
    const last = messages.findLast((message) => !isOnItsWay(message));
    if (!hasNewer || !last) {
      return;
    }
    const { data, error } = await this.api.getMessages(this.id, PAGE_SIZE, { after: last.seq });
    if (error) {
      this.set({ problem: error });
      return;
    }
    this.set({ hasNewer: data.length === PAGE_SIZE });
    data.forEach((message) => this.put(message, true, true));
  }

  /** The messages around a number, wherever that is. */
  async around(seq: number): Promise<void> {
    await this.open(); // else the newest page might come later, in the place of this one
    if (this.get().messages.some((message) => message.seq === seq)) {
      return;
    }
    await this.fetchAround(seq);
  }

  private async fetchAround(seq: number): Promise<boolean> {
    const half = PAGE_SIZE / 2;
    const [before, after] = await Promise.all([
      this.api.getMessages(this.id, half, { before: seq }),
      this.api.getMessages(this.id, half, { after: seq - 1 }),
    ]);
    const error = before.error ?? after.error;
    if (error) {
      this.set({ problem: error });
      return false;
    }
    const page = [...before.data!, ...after.data!];
    this.set((now) => ({
      messages: [
        ...page,
        ...now.messages.filter(
          (message) => isOnItsWay(message) && !page.some((stored) => became(message, stored)),
        ),
      ],
      hasOlder: before.data!.length === half,
      hasNewer: after.data!.length === half,
      ready: true,
      problem: null,
    }));
    return true;
  }

  /** Fetches a message that another answers, unless it is here. */
  async fetchAnswered(seq: number): Promise<void> {
    const { answered, messages } = this.get();
    if (answered.has(seq) || this.asked.has(seq) || messages.some((one) => one.seq === seq)) {
      return;
    }
    this.asked.add(seq);
    const { data } = await this.api.getMessages(this.id, 1, { after: seq - 1 });
    this.asked.delete(seq);
    if (data) {
      this.keepAnswered(seq, data.find((message) => message.seq === seq) ?? null);
    }
  }

  private keepAnswered(seq: number, message: UserMessage | null): void {
    this.set(({ answered }) => ({ answered: new Map(answered).set(seq, message) }));
  }

  /** Back from the past. */
  async latest(): Promise<void> {
    if (this.get().hasNewer) {
      this.set({ ready: false });
      await this.open();
    }
  }

  /** A row as the channel brings it; `revision` follows. */
  heard(row: UserMessage): void {
    this.put(row, false);
    this.revision = Math.max(this.revision ?? 0, row.revision);
  }

  /** A whole message as a function returned it. Others' changes before it may still be on their way, so `revision` stays. */
  answered(message: UserMessage): void {
    this.put(message, true);
  }

  heardReaction(row: ReactionRow, given: boolean): void {
    this.change(row.message_id, (message) => {
      const reactions = (message.reactions ?? []).map((one) => ({
        ...one,
        user_ids: one.user_ids.filter((id) => id !== row.user_id || one.reaction !== row.reaction),
      }));
      if (given) {
        const same = reactions.find(({ reaction }) => reaction === row.reaction);
        if (same) {
          same.user_ids.push(row.user_id);
        } else {
          reactions.push({ reaction: row.reaction, user_ids: [row.user_id] });
        }
      }
      return { reactions: reactions.filter(({ user_ids }) => user_ids.length > 0) };
    });
  }

  heardConversation(row: ConversationRow, userId: string): void {
    const mySeq =
      row.participant_1_id === userId ? row.participant_1_read_seq : row.participant_2_read_seq;
    this.set(({ conversation }) => ({
      conversation:
        conversation &&
        withPositions(
          {
            ...conversation,
            // What is marked as unread lies before the read position, which the row tells.
            read_seq:
              conversation.first_unread_seq === null
                ? Math.max(conversation.read_seq, mySeq)
                : conversation.read_seq,
          },
          positionsIn(row, userId),
        ),
    }));
  }

  heardRead(seq: number): void {
    this.set(({ conversation }) => ({
      conversation: conversation && {
        ...conversation,
        read_seq: Math.max(conversation.read_seq, seq),
        first_unread_seq:
          seq >= (conversation.first_unread_seq ?? 0) ? null : conversation.first_unread_seq,
      },
    }));
  }

  /** It was deleted: what is loaded stays on the screen. */
  ended(): void {
    this.set({ ended: true, problem: null });
  }

  gone(messageId: string): void {
    this.set(({ messages }) => ({ messages: messages.filter(({ id }) => id !== messageId) }));
  }

  /** The channel is not joined any more: from here on something may be missed. */
  lost(): void {
    this.behind ??= this.revision;
  }

  /** What `since` should say at the next join. */
  get since(): number | null {
    return this.behind ?? this.revision;
  }

  /**
   * Fetches what was missed. The replay by `since` brings rows; this also brings their reactions, reads and, from a service
   * that does not replay, everything.
   */
  catchUp(): Promise<void> {
    if (this.catchingUp) {
      this.again = true;
      return this.catchingUp;
    }
    this.catchingUp = this.fetchChanges().finally(() => {
      this.catchingUp = null;
      if (this.again) {
        this.again = false;
        void this.catchUp();
      }
    });
    return this.catchingUp;
  }

  private async fetchChanges(): Promise<void> {
    await this.open();
    if (this.get().ended) {
      return;
    }
    let from = this.since;
    this.behind = from;
    for (let fetched = 0; from !== null;) {
      const { data, error } = await this.api.getChanges(this.id, from);
      if (error) {
        this.set({ problem: error });
        return; // still behind; the next join or the next minute tries again
      }
      data.forEach((message) => this.put(message, true));
      fetched += data.length;
      from = data.at(-1)?.revision ?? from;
      this.behind = from;
      if (data.length < 200) {
        break;
      }
      if (fetched >= MOST_CHANGES) {
        this.set({ ready: false });
        await this.open();
        break;
      }
    }
    this.revision = Math.max(this.revision ?? 0, from ?? 0);
    this.behind = null;
  }

  // ---- what is on its way

  add(message: ChatMessage): void {
    this.set(({ messages }) => ({
      messages: messages.some((held) => held.id === message.id || became(message, held))
        ? messages
        : [...messages, message],
    }));
  }

  change(messageId: string, change: (message: ChatMessage) => Partial<ChatMessage>): void {
    this.set(({ messages }) => ({
      messages: messages.map((message) =>
        message.id === messageId ? { ...message, ...change(message) } : message,
      ),
    }));
  }

  /** Takes a message in by its number, unless it is here in this revision or a later one, or lies outside what is loaded. */
  private put(incoming: UserMessage, whole: boolean, extend = false): void {
    const answered = this.get().answered.get(incoming.seq);
    if (answered && answered.revision < incoming.revision) {
      this.keepAnswered(incoming.seq, incoming);
    }
    this.set((now) => {
      const stored = now.messages.find(
        (message) => message.id === incoming.id && !isOnItsWay(message),
      );
      if (stored) {
        if (
          stored.revision > incoming.revision ||
          (stored.revision === incoming.revision && !whole)
        ) {
          return {};
        }
        const messages = now.messages.filter((message) => !became(message, incoming));
        messages[messages.indexOf(stored)] = merged(stored, incoming);
        return { messages };
      }
      const held = now.messages.find((message) => became(message, incoming));
      const others = now.messages.filter((message) => message !== held);
      const first = others.find((message) => !isOnItsWay(message));
      const last = others.findLast((message) => !isOnItsWay(message));
      const outside =
        (first && incoming.seq < first.seq && now.hasOlder) ||
        (last && incoming.seq > last.seq && now.hasNewer && !extend);
      if (outside) {
        return held ? { messages: others } : {};
      }
      const place = others.findIndex(
        (message) => isOnItsWay(message) || message.seq > incoming.seq,
      );
      const at = place < 0 ? others.length : place;
      return { messages: [...others.slice(0, at), merged(held, incoming), ...others.slice(at)] };
    });
  }
}

export function isOnItsWay(message: ChatMessage): boolean {
  return message.delivery !== undefined;
}

/** Whether what was on its way is now this stored message: by the id that its sender chose. */
function became(message: ChatMessage, stored: UserMessage): boolean {
  return (
    isOnItsWay(message) &&
    message.sender_id === stored.sender_id &&
    message.id === (stored.client_id ?? stored.id)
  );
}

/** A live row has no sender and no reactions: those held stay. A deleted message has none. */
function merged(held: ChatMessage | undefined, incoming: UserMessage): ChatMessage {
  const sender = incoming.sender ?? held?.sender;
  return {
    ...incoming,
    ...(sender && { sender }),
    reactions: incoming.is_deleted ? [] : (incoming.reactions ?? held?.reactions ?? []),
  };
}

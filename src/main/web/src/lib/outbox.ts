// What was written and is not stored yet. Each message has its id from the start, so sending it again never makes two of it;
// one after the other in a conversation, so that they keep their order. What is here survives a reload: each under a name of its
// own, since two tabs of one person would else write over each other's.
import { keep, kept, keptNames } from './keep';
import type { ChatMessage, MessageType, UserMessage } from './types';
import type { SendOptions, UserChatAPI } from './user-chat';
import { uuid7 } from './uuid7';

export interface Draft extends Omit<SendOptions, 'id'> {
  content: string;
  message_type?: MessageType;
}

interface Letter {
  id: string;
  conversation_id: string;
  recipient_id: string;
  written_at: string;
  draft: Draft;
}

export interface OutboxListener {
  waiting(message: ChatMessage): void;
  changed(conversationId: string, messageId: string, change: Partial<ChatMessage>): void;
  sent(message: UserMessage): void;
}

const LONGEST_PAUSE = 15_000;

export class Outbox {
  private readonly letters = new Map<string, Letter>();
  private readonly failed = new Set<string>();
  private readonly busy = new Set<string>();
  private readonly wake = new Set<() => void>();
  private closed = false;

  constructor(
    private readonly userId: string,
    private readonly api: UserChatAPI,
    private readonly listener: OutboxListener,
  ) {}

  /** Goes on with what the last visit left behind. */
  start(): void {
    for (const name of keptNames(this.nameOf(''))) {
      try {
        const letter = JSON.parse(kept(name) ?? '') as Letter;
        this.letters.set(letter.id, letter); // ids are in the order of time, and so are the names
        this.listener.waiting(this.message(letter));
      } catch {
        keep(name, null);
      }
    }
    new Set([...this.letters.values()].map(({ conversation_id }) => conversation_id)).forEach(
      (id) => void this.work(id),
    );
  }

  send(conversationId: string, recipientId: string, draft: Draft): void {
    const letter: Letter = {
      id: uuid7(),
      conversation_id: conversationId,
      recipient_id: recipientId,
      written_at: new Date().toISOString(),
      draft,
    };
    this.letters.set(letter.id, letter);
    keep(this.nameOf(letter.id), JSON.stringify(letter));
    this.listener.waiting(this.message(letter));
    void this.work(conversationId);
  }

  /** The same message once more, with the same id. */
  retry(messageId: string): void {
    const letter = this.letters.get(messageId);
    if (letter && this.failed.delete(messageId)) {
      this.listener.changed(letter.conversation_id, messageId, { delivery: 'sending' });
      void this.work(letter.conversation_id);
    }
  }

  discard(messageId: string): void {
    this.remove(messageId);
    this.failed.delete(messageId);
  }

  /** What waits for a better moment has one now. */
  hurry(): void {
    this.wake.forEach((wake) => wake());
  }

  /** The messages of a conversation that are not stored yet, for whoever opens it later. */
  of(conversationId: string): ChatMessage[] {
    return [...this.letters.values()]
      .filter((letter) => letter.conversation_id === conversationId)
      .map((letter) => this.message(letter));
  }

  close(): void {
    this.closed = true;
    this.hurry();
  }

  private async work(conversationId: string): Promise<void> {
    if (this.busy.has(conversationId)) {
      return;
    }
    this.busy.add(conversationId);
    for (let tries = 0; !this.closed;) {
      const letter = [...this.letters.values()].find(
        (one) => one.conversation_id === conversationId && !this.failed.has(one.id),
      );
      if (!letter) {
        break;
      }
      const { content, message_type = 'text', ...options } = letter.draft;
      const { data, error } = await this.api.sendMessage(
        conversationId,
        this.userId,
        content,
        message_type,
        { ...options, id: letter.id },
      );
      if (data) {
        tries = 0;
        this.remove(letter.id);
        this.listener.sent(data);
      } else if (error.temporary) {
        await this.pause(Math.min(500 * 2 ** tries++, LONGEST_PAUSE));
      } else {
        this.failed.add(letter.id);
        this.listener.changed(conversationId, letter.id, { delivery: 'failed', problem: error });
      }
    }
    this.busy.delete(conversationId);
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.wake.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, milliseconds);
      this.wake.add(wake);
    });
  }

  private message({ id, conversation_id, recipient_id, written_at, draft }: Letter): ChatMessage {
    return {
      id,
      conversation_id,
      sender_id: this.userId,
      recipient_id,
      content: draft.content,
      message_type: draft.message_type ?? 'text',
      file_url: draft.file_url ?? null,
      file_name: draft.file_name ?? null,
      file_size: draft.file_size ?? null,
      created_at: written_at,
      updated_at: written_at,
      is_edited: false,
      is_deleted: false,
      read_by: [],
      metadata: draft.metadata ?? {},
      seq: 0,
      sent_revision: 0,
      revision: 0,
      reactions: [],
      delivery: this.failed.has(id) ? 'failed' : 'sending',
    };
  }

  private remove(letterId: string): void {
    this.letters.delete(letterId);
    keep(this.nameOf(letterId), null);
  }

  private nameOf(letterId: string): string {
    return `outbox:${this.userId}:${letterId}`;
  }
}

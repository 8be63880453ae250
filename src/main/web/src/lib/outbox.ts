// What was written and is not stored yet. Each message has its id from the start, so sending it again never makes two of it;
// one after the other in a conversation, so that they keep their order. What is here survives a reload: each under a name of its
// own, since two tabs of one person would else write over each other's.
import { keep, kept, keptNames } from './keep';
import { clockDifference, serverNow } from './server-clock';
import type { ChatMessage, MessageType, UserMessage } from './types';
import type { SendOptions, UserChatAPI } from './user-chat';
import { uuid7 } from './uuid7';

export interface Draft extends Omit<SendOptions, 'id' | 'written_at'> {
  content: string;
  message_type?: MessageType;
}

interface Letter {
  id: string;
  conversation_id: string;
  recipient_id: string;
  /** By the clock of this device. */
  written_at: string;
  /** What was to be added to it for the server's; null when no answer had told. A letter of an older page has none. */
  clock?: number | null;
  /** Its place among those that wait: the device's clock may go back. */
  place?: number;
  draft: Draft;
}

export interface OutboxListener {
  waiting(message: ChatMessage): void;
  changed(conversationId: string, messageId: string, change: Partial<ChatMessage>): void;
  sent(message: UserMessage): void;
}

const LONGEST_PAUSE = 15_000;
const NOW = 60_000; // written within these milliseconds is written now

export class Outbox {
  private readonly letters = new Map<string, Letter>();
  private readonly failed = new Set<string>();
  private readonly busy = new Set<string>();
  private readonly wake = new Set<() => void>();
  private asked = false;
  private closed = false;

  constructor(
    private readonly userId: string,
    private readonly api: UserChatAPI,
    private readonly listener: OutboxListener,
  ) {}

  /** Goes on with what the last visit left behind. */
  start(): void {
    const found: Letter[] = [];
    for (const name of keptNames(this.nameOf(''))) {
      try {
        found.push(JSON.parse(kept(name) ?? '') as Letter);
      } catch {
        keep(name, null);
      }
    }
    found.sort((a, b) => (a.place ?? 0) - (b.place ?? 0) || (a.id < b.id ? -1 : 1));
    for (const letter of found) {
      this.letters.set(letter.id, letter);
      this.listener.waiting(this.message(letter));
    }
    new Set([...this.letters.values()].map(({ conversation_id }) => conversation_id)).forEach(
      (id) => void this.work(id),
    );
  }

  send(conversationId: string, recipientId: string, draft: Draft): void {
    const letter: Letter = {
      id: uuid7(serverNow()),
      conversation_id: conversationId,
      recipient_id: recipientId,
      written_at: new Date().toISOString(),
      clock: clockDifference(),
      place: 1 + Math.max(0, ...[...this.letters.values()].map(({ place }) => place ?? 0)),
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
      await this.hearTime(conversationId);
      const { content, message_type = 'text', ...options } = letter.draft;
      const written = writtenAt(letter);
      const { data, error } = await this.api.sendMessage(
        conversationId,
        this.userId,
        content,
        message_type,
        {
          ...options,
          id: letter.id,
          ...(serverNow() - written > NOW && { written_at: new Date(written).toISOString() }),
        },
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

  /** Before the first answer nobody knows what the clock of this device is worth, so one is asked for. */
  private async hearTime(conversationId: string): Promise<void> {
    if (clockDifference() === null && !this.asked) {
      const { error } = await this.api.getConversation(conversationId);
      this.asked = error === null;
    }
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

  private message(letter: Letter): ChatMessage {
    const { id, conversation_id, recipient_id, draft } = letter;
    const written_at = new Date(writtenAt(letter)).toISOString();
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

/** By the server's clock. A device whose clock was set right since knows no better than what it said then. */
function writtenAt({ written_at, clock }: Letter): number {
  return Date.parse(written_at) + (clock ?? clockDifference() ?? 0);
}

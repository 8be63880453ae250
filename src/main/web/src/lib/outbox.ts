// What was written and is not stored yet. Each message has its id from the start, so sending it again never makes two of it;
// one after the other in a conversation, so that they keep their order. What is here survives a reload: each under a name of its
// own, since two tabs of one person would else write over each other's.
import { isStored, storableName, typeOf } from './file-names';
import { keep, kept, keptNames } from './keep';
import { clockDifference, serverNow } from './server-clock';
import type { ChatMessage, MessageType, Problem, UserMessage } from './types';
import type { SendOptions, UserChatAPI } from './user-chat';
import type { Uploads } from './uploads';
import { uuid7 } from './uuid7';

export interface Draft extends Omit<SendOptions, 'id' | 'written_at'> {
  content: string;
  message_type?: MessageType;
  /** To be stored by the service and sent with the message, whose type, name and size are then the file's. */
  file?: File;
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
  draft: Omit<Draft, 'file'>;
  /** Of a message with a file, until it is sent. */
  upload?: {
    /** Where the upload goes on. */
    address?: string;
    stored?: boolean;
  };
}

export interface OutboxListener {
  waiting(message: ChatMessage): void;
  changed(conversationId: string, messageId: string, change: Partial<ChatMessage>): void;
  sent(message: UserMessage): void;
}

type Line = 'messages' | 'files';

/** A letter's file that is in this browser no more. */
const LOST: Problem = {
  message: '',
  hint: null,
  status: 410,
  code: '',
  reason: 'file_lost',
  temporary: false,
};
const LONGEST_PAUSE = 15_000;
const NOW = 60_000; // written within these milliseconds is written now

export class Outbox {
  private readonly letters = new Map<string, Letter>();
  private readonly failed = new Map<string, Problem>();
  private readonly busy = new Set<string>();
  private readonly wake = new Set<() => void>();
  private asked = false;
  private closed = false;

  constructor(
    private readonly userId: string,
    private readonly api: UserChatAPI,
    private readonly uploads: Uploads,
    private readonly listener: OutboxListener,
  ) {}

  /** Goes on with what the last visit left behind. */
  start(): void {
    const found: Letter[] = [];
    for (const name of keptNames(this.nameOf(''))) {
      const letter = this.read(name);
      if (letter) {
        found.push(letter);
      } else {
        keep(name, null);
      }
    }
    found.sort((a, b) => (a.place ?? 0) - (b.place ?? 0) || (a.id < b.id ? -1 : 1));
    for (const letter of found) {
      this.letters.set(letter.id, letter);
      this.listener.waiting(this.message(letter));
    }
    new Set([...this.letters.values()].map(({ conversation_id }) => conversation_id)).forEach(
      (id) => this.deliver(id),
    );
    if (found.some(isToUpload)) {
      void this.uploads.clear();
    }
  }

  send(conversationId: string, recipientId: string, { file, ...draft }: Draft): void {
    const id = uuid7(serverNow());
    const letter: Letter = {
      id,
      conversation_id: conversationId,
      recipient_id: recipientId,
      written_at: new Date().toISOString(),
      clock: clockDifference(),
      place: 1 + Math.max(0, ...[...this.letters.values()].map(({ place }) => place ?? 0)),
      draft,
    };
    if (file) {
      const name = storableName(file.name);
      letter.draft = {
        ...draft,
        content: draft.content || name,
        message_type: typeOf(file),
        file_url: `${conversationId}/${id}/${name}`,
        file_name: name,
        file_size: file.size,
      };
      letter.upload = {};
      this.uploads.add(id, file);
    }
    this.letters.set(letter.id, letter);
    this.keepLetter(letter);
    this.listener.waiting(this.message(letter));
    this.deliver(conversationId);
  }

  /** The same message once more, with the same id. */
  retry(messageId: string): void {
    const letter = this.letters.get(messageId);
    if (letter && this.failed.delete(messageId)) {
      if (letter.upload?.stored) {
        letter.upload = {}; // it may have been removed meanwhile; if not, the service says that it is there
        this.keepLetter(letter);
      }
      this.listener.changed(letter.conversation_id, messageId, { delivery: 'sending' });
      this.deliver(letter.conversation_id);
    }
  }

  discard(messageId: string): void {
    const letter = this.letters.get(messageId);
    this.remove(messageId);
    this.failed.delete(messageId);
    if (letter?.upload) {
      void this.uploads.cancel(messageId, letter.upload.address, letter.draft.file_url!);
    }
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
    this.uploads.close();
    this.hurry();
  }

  /** Texts do not wait for files: each is sent once its file is stored. */
  private deliver(conversationId: string): void {
    void this.work(conversationId, 'files');
    void this.work(conversationId, 'messages');
  }

  private async work(conversationId: string, line: Line): Promise<void> {
    const name = `${line}:${conversationId}`;
    if (this.busy.has(name)) {
      return;
    }
    this.busy.add(name);
    for (let tries = 0; !this.closed;) {
      const letter = [...this.letters.values()].find(
        (one) =>
          one.conversation_id === conversationId &&
          !this.failed.has(one.id) &&
          isToUpload(one) === (line === 'files'),
      );
      if (!letter) {
        break;
      }
      const problem = await (line === 'files' ? this.upload(letter) : this.post(letter));
      if (problem === null || !this.letters.has(letter.id)) {
        tries = 0;
      } else if (problem.temporary) {
        await this.pause(Math.min(500 * 2 ** tries++, LONGEST_PAUSE));
      } else {
        this.failed.set(letter.id, problem);
        this.listener.changed(conversationId, letter.id, {
          delivery: 'failed',
          problem,
          progress: undefined,
        });
      }
    }
    this.busy.delete(name);
  }

  private async post(letter: Letter): Promise<Problem | null> {
    const { conversation_id: conversationId } = letter;
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
      this.remove(letter.id);
      if (letter.upload) {
        this.uploads.forget(letter.id);
      }
      this.listener.sent(data);
    }
    return error;
  }

  /** One tab at a time does it; what another did meanwhile is taken over. */
  private upload(letter: Letter): Promise<Problem | null> {
    const { id, conversation_id: conversationId } = letter;
    return alone(`gptdesk-chat:${id}`, async () => {
      const now = this.read(this.nameOf(id));
      if (now?.upload) {
        letter.upload = now.upload;
      } else if (!this.uploads.has(id) && kept(this.nameOf(id)) === null) {
        this.letters.delete(id); // another tab, which had the file, has sent it
        return null;
      }
      if (!isToUpload(letter) || !this.letters.has(id)) {
        void this.work(conversationId, 'messages');
        return null;
      }
      const file = await this.uploads.find(id);
      if (!(file instanceof File)) {
        return file ?? LOST;
      }
      this.listener.changed(conversationId, id, { file, progress: this.uploads.progress(id) });
      const problem = await this.uploads.send(id, file, {
        path: letter.draft.file_url!,
        address: letter.upload?.address ?? null,
        onAddress: (address) => {
          letter.upload = { address };
          this.keepLetter(letter);
        },
        onProgress: (progress) => this.listener.changed(conversationId, id, { progress }),
      });
      if (problem === null && this.letters.has(id)) {
        letter.upload = { ...letter.upload, stored: true };
        this.keepLetter(letter);
        this.listener.changed(conversationId, id, { progress: undefined });
        void this.work(conversationId, 'messages');
      }
      return problem;
    });
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
      ...(this.failed.has(id) && { problem: this.failed.get(id)! }),
      ...(letter.upload && { file: this.uploads.held(id) }),
      ...(isToUpload(letter) && !this.failed.has(id) && { progress: this.uploads.progress(id) }),
    };
  }

  private read(name: string): Letter | null {
    try {
      return JSON.parse(kept(name) ?? 'null') as Letter | null;
    } catch {
      return null;
    }
  }

  private keepLetter(letter: Letter): void {
    if (this.letters.has(letter.id)) {
      keep(this.nameOf(letter.id), JSON.stringify(letter));
    }
  }

  private remove(letterId: string): void {
    this.letters.delete(letterId);
    keep(this.nameOf(letterId), null);
  }

  private nameOf(letterId: string): string {
    return `outbox:${this.userId}:${letterId}`;
  }
}

function isToUpload({ upload, draft }: Letter): boolean {
  return upload !== undefined && !upload.stored && isStored(draft.file_url ?? null);
}

/** One tab after the other, where the browser can tell them to wait: not in a page by http of another machine. */
function alone<T>(name: string, work: () => Promise<T>): Promise<T> {
  return 'locks' in navigator ? (navigator.locks.request(name, work) as Promise<T>) : work();
}

/** By the server's clock. A device whose clock was set right since knows no better than what it said then. */
function writtenAt({ written_at, clock }: Letter): number {
  return Date.parse(written_at) + (clock ?? clockDifference() ?? 0);
}

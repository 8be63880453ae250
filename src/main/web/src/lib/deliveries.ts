// Says how far this browser has received what others write: the tick between sent and read.
import type { UserChatAPI } from './user-chat';

const PAUSE = 1_000; // milliseconds in which what comes is told together
const LONG_PAUSE = 15_000; // milliseconds until what the service could not be told is told again
const MOST = 1_000; // conversations in a call, as the service takes them

export class Deliveries {
  /** By conversation, up to which number the service is to hear of it. */
  private readonly untold = new Map<string, number>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private started = false;

  constructor(private readonly api: UserChatAPI) {}

  /** What was received before is told, too. */
  start(): void {
    this.started = true;
    this.hurry();
  }

  close(): void {
    this.started = false;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** The messages of a conversation are here, up to a number. */
  received(conversationId: string, seq: number): void {
    if (seq > (this.untold.get(conversationId) ?? 0)) {
      this.untold.set(conversationId, seq);
      this.wait(PAUSE);
    }
  }

  /** What is read needs no other word. */
  read(conversationId: string, seq: number): void {
    if ((this.untold.get(conversationId) ?? Infinity) <= seq) {
      this.untold.delete(conversationId);
    }
  }

  /** The service can be told again, perhaps of what it did not hear. */
  hurry(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.wait(PAUSE);
  }

  private wait(pause: number): void {
    if (this.started && this.untold.size > 0) {
      this.timer ??= setTimeout(() => void this.tell(), pause);
    }
  }

  private async tell(): Promise<void> {
    const received = [...this.untold].slice(0, MOST);
    received.forEach(([id]) => this.untold.delete(id));
    const { error } =
      received.length > 0 ? await this.api.markAsDelivered(received) : { error: null };
    if (error?.temporary) {
      received.forEach(([id, seq]) => this.untold.set(id, Math.max(seq, this.untold.get(id) ?? 0)));
    }
    this.timer = undefined;
    this.wait(error?.temporary ? LONG_PAUSE : PAUSE);
  }
}

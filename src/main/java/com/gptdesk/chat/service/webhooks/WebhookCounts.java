package com.gptdesk.chat.service.webhooks;

import java.util.concurrent.atomic.LongAdder;

/** What became of posts on this node since its start. Thread-safe. */
public final class WebhookCounts {
  private final LongAdder delivered = new LongAdder();
  private final LongAdder failed = new LongAdder();
  private final LongAdder dead = new LongAdder();
  private final LongAdder read = new LongAdder();

  void isDelivered() {
    delivered.increment();
  }

  void isFailed() {
    failed.increment();
  }

  void isDead() {
    dead.increment();
  }

  void isRead(long changes) {
    read.add(changes);
  }

  /** Events that a receiver has acknowledged. */
  public long delivered() {
    return delivered.sum();
  }

  /** Posts that failed and are tried again. */
  public long failed() {
    return failed.sum();
  }

  /** Events that became dead letters. */
  public long dead() {
    return dead.sum();
  }

  /** Changes that were read from the log. */
  public long read() {
    return read.sum();
  }
}

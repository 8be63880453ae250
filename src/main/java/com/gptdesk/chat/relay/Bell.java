package com.gptdesk.chat.relay;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * Says "look now" to the one thread that waits for it. Any thread rings; a ring nobody waited for
 * is kept, several are one.
 */
final class Bell {
  private final Semaphore rung = new Semaphore(0);
  private final LongAdder heard = new LongAdder();

  void ring() {
    heard.increment();
    if (rung.availablePermits() == 0) {
      rung.release();
    }
  }

  /** Waits until it rings or this long has passed; true when it rang. */
  boolean await(Duration longest) throws InterruptedException {
    boolean rang = rung.tryAcquire(longest.toNanos(), TimeUnit.NANOSECONDS);
    rung.drainPermits();
    return rang;
  }

  /** How often it rang. */
  long heard() {
    return heard.sum();
  }
}

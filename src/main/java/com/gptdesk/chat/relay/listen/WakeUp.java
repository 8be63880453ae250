package com.gptdesk.chat.relay.listen;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * Says "look now" to the one thread that waits for it. Any thread rings; a ring nobody waited for
 * is kept, several are one.
 */
public final class WakeUp {
  private final Semaphore rung = new Semaphore(0);
  private final LongAdder heard = new LongAdder();

  /** Nobody waits, and nothing rang. */
  public WakeUp() {}

  /** Wakes who waits; kept for the next who waits when nobody does. */
  public void ring() {
    heard.increment();
    if (rung.availablePermits() == 0) {
      rung.release();
    }
  }

  /**
   * Waits until it rings or this long has passed.
   *
   * @param longest the longest wait
   * @return true when it rang
   * @throws InterruptedException the waiting thread was interrupted
   */
  public boolean await(Duration longest) throws InterruptedException {
    boolean rang = rung.tryAcquire(longest.toNanos(), TimeUnit.NANOSECONDS);
    rung.drainPermits();
    return rang;
  }

  /**
   * How often it rang.
   *
   * @return since it was made
   */
  public long heard() {
    return heard.sum();
  }
}

package com.gptdesk.chat.relay.listen;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * Wakes the one thread that waits for it. Any thread may signal. A signal that comes before the
 * wait is kept, and several count as one.
 */
public final class WakeUp {
  private final Semaphore permits = new Semaphore(0);
  private final LongAdder signals = new LongAdder();

  /** Creates one without a signal. */
  public WakeUp() {}

  /** Wakes the waiting thread, or the next one that waits. */
  public void signal() {
    signals.increment();
    if (permits.availablePermits() == 0) {
      permits.release();
    }
  }

  /**
   * Waits for a signal, or until this much time has passed.
   *
   * @param longest the longest wait
   * @return true when there was a signal
   * @throws InterruptedException the waiting thread was interrupted
   */
  public boolean await(Duration longest) throws InterruptedException {
    boolean signalled = permits.tryAcquire(longest.toNanos(), TimeUnit.NANOSECONDS);
    permits.drainPermits();
    return signalled;
  }

  /**
   * How often it was signalled.
   *
   * @return a count since it was created
   */
  public long signals() {
    return signals.sum();
  }
}

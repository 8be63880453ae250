package com.gptdesk.chat.service.ops;

import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A probe whose answer is kept for a while, since asking is dear. One that threw is asked again.
 * Any thread may ask.
 */
public final class CachedProbe implements Health.Probe {
  private final Duration keep;
  private final Health.Probe probe;
  private final ReentrantLock asking = new ReentrantLock();
  private @Nullable String trouble;
  private long until = System.nanoTime();

  public CachedProbe(Duration keep, Health.Probe probe) {
    this.keep = keep;
    this.probe = probe;
  }

  @Override
  public @Nullable String trouble() throws Exception {
    asking.lockInterruptibly();
    try {
      if (System.nanoTime() - until >= 0) {
        trouble = probe.trouble();
        until = System.nanoTime() + keep.toNanos();
      }
      return trouble;
    } finally {
      asking.unlock();
    }
  }
}

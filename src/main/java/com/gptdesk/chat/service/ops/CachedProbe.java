package com.gptdesk.chat.service.ops;

import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A probe that keeps its answer for a while, since asking is costly. A failure is not kept.
 * Thread-safe.
 */
public final class CachedProbe implements Probe {
  private final Duration keep;
  private final Probe probe;
  private final ReentrantLock asking = new ReentrantLock();
  private @Nullable String problem;
  private long until = System.nanoTime();

  public CachedProbe(Duration keep, Probe probe) {
    this.keep = keep;
    this.probe = probe;
  }

  @Override
  public @Nullable String problem() throws Exception {
    asking.lockInterruptibly();
    try {
      if (System.nanoTime() - until >= 0) {
        problem = probe.problem();
        until = System.nanoTime() + keep.toNanos();
      }
      return problem;
    } finally {
      asking.unlock();
    }
  }
}

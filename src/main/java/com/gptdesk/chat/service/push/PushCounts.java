package com.gptdesk.chat.service.push;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** What became of push notifications on this node since its start. Thread-safe. */
public final class PushCounts {
  private final LongAdder sent = new LongAdder();
  private final LongAdder postponed = new LongAdder();
  private final LongAdder refused = new LongAdder();
  private final LongAdder gone = new LongAdder();
  private final AtomicInteger inFlight = new AtomicInteger();

  void began() {
    inFlight.incrementAndGet();
  }

  void ended() {
    inFlight.decrementAndGet();
  }

  void count(PushOutcome outcome) {
    LongAdder counted =
        switch (outcome.word()) {
          case "sent" -> sent;
          case "later" -> postponed;
          case "gone" -> gone;
          default -> refused;
        };
    counted.increment();
  }

  /** The push service took the notice. */
  public long sent() {
    return sent.sum();
  }

  /** The push service was away, silent or busy; it is tried again. */
  public long postponed() {
    return postponed.sum();
  }

  /**
   * The push service refused the notice, or there is none that may be posted to; it was dropped.
   */
  public long refused() {
    return refused.sum();
  }

  /** The push service no longer knows the device, which was removed. */
  public long gone() {
    return gone.sum();
  }

  /** Requests that wait for an answer. */
  public int inFlight() {
    return inFlight.get();
  }
}

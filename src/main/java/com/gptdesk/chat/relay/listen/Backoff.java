package com.gptdesk.chat.relay.listen;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How long to wait before the next try: twice as long each time, up to a bound, with a random part
 * so that nodes do not retry in step. For one thread.
 */
public final class Backoff {
  private final Duration first;
  private final Duration most;
  private Duration next;

  /**
   * Starts with the shortest wait.
   *
   * @param first the longest that the first wait may be
   * @param most the bound
   */
  public Backoff(Duration first, Duration most) {
    this.first = first;
    this.most = most;
    this.next = first;
  }

  /** {@return the wait before the next try: between half of its length and the whole} */
  public Duration next() {
    Duration wait = next;
    Duration doubled = wait.multipliedBy(2);
    next = doubled.compareTo(most) > 0 ? most : doubled;
    long half = wait.toNanos() / 2;
    return Duration.ofNanos(half + ThreadLocalRandom.current().nextLong(half + 1));
  }

  /** To be called after a success: the next wait is the shortest again. */
  public void reset() {
    next = first;
  }
}

package com.gptdesk.chat.service.http;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * A rate limit for each caller. It keeps the most recent callers; one that was dropped starts again
 * with a full bucket. Thread-safe.
 *
 * @param <K> the key of a caller: a person's id or an address
 */
public final class RateLimiter<K> {
  private static final int REMEMBERED = 10_000;

  private final int perSecond;
  private final LongSupplier nanoClock;
  private final LinkedHashMap<K, TokenBucket> allowances = new LinkedHashMap<>(16, 0.75f, true);

  /** Allows this many a second on average, twice as many at once. */
  public RateLimiter(int perSecond) {
    this(perSecond, System::nanoTime);
  }

  /** The same, with this clock. */
  public RateLimiter(int perSecond, LongSupplier nanoClock) {
    this.perSecond = perSecond;
    this.nanoClock = nanoClock;
  }

  /** Takes this many tokens; false when there are too few. */
  public synchronized boolean take(K caller, int number) {
    long now = nanoClock.getAsLong();
    TokenBucket allowance =
        allowances.computeIfAbsent(caller, nobody -> new TokenBucket(perSecond, now));
    if (allowances.size() > REMEMBERED) {
      var eldest = allowances.entrySet().iterator();
      Map.Entry<K, TokenBucket> last = eldest.next();
      if (!last.getKey().equals(caller)) {
        eldest.remove();
      }
    }
    for (int taken = 0; taken < number; taken++) {
      if (!allowance.take(now)) {
        return false;
      }
    }
    return true;
  }
}

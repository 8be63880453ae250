package com.gptdesk.chat.service.http;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * So many a second for each caller who has no connection of its own to count on. Remembers those
 * who called last; whoever is forgotten begins anew. Any thread may ask.
 *
 * @param <K> what callers are told apart by: a person's id, an address
 */
public final class RateLimiter<K> {
  private static final int REMEMBERED = 10_000;

  private final int perSecond;
  private final LongSupplier nanoClock;
  private final LinkedHashMap<K, TokenBucket> allowances = new LinkedHashMap<>(16, 0.75f, true);

  /** That many on average, twice as many at once. */
  public RateLimiter(int perSecond) {
    this(perSecond, System::nanoTime);
  }

  /** The same, with a second as this clock counts it. */
  public RateLimiter(int perSecond, LongSupplier nanoClock) {
    this.perSecond = perSecond;
    this.nanoClock = nanoClock;
  }

  /** Takes some, or says that there are not so many left. */
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

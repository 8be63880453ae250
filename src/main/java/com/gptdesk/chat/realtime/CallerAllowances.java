package com.gptdesk.chat.realtime;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;

/**
 * So many a second for each person who calls without a connection. Remembers those who called last;
 * whoever is forgotten begins anew. Any thread may ask.
 */
public final class CallerAllowances {
  private static final int REMEMBERED = 10_000;

  private final int perSecond;
  private final LinkedHashMap<UUID, Allowance> allowances = new LinkedHashMap<>(16, 0.75f, true);

  /** That many on average, twice as many at once. */
  public CallerAllowances(int perSecond) {
    this.perSecond = perSecond;
  }

  /** Takes some, or says that there are not so many left. */
  public synchronized boolean take(UUID caller, int number) {
    long now = System.nanoTime();
    Allowance allowance =
        allowances.computeIfAbsent(caller, nobody -> new Allowance(perSecond, now));
    if (allowances.size() > REMEMBERED) {
      var eldest = allowances.entrySet().iterator();
      Map.Entry<UUID, Allowance> last = eldest.next();
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

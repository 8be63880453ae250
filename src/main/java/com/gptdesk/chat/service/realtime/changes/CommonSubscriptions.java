package com.gptdesk.chat.service.realtime.changes;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Shares equal subscriptions between channels, as ten thousand open pages all subscribe to the
 * same. Subscriptions with a filter are not shared. Thread-safe.
 */
public final class CommonSubscriptions {
  /** The most subscriptions that are kept; the least recently used ones go first. */
  private static final int MOST = 256;

  /** In characters; longer ones are not shared, so that they cannot fill the memory. */
  private static final int LONGEST = 500;

  private record Key(int id, String asSent) {}

  private final Map<Key, Subscription> held =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Subscription> eldest) {
          return size() > MOST;
        }
      };

  /** The same subscriptions, replaced by equal ones that another channel has. */
  public List<Subscription> of(List<Subscription> subscriptions) {
    return subscriptions.stream().map(this::of).toList();
  }

  private synchronized Subscription of(Subscription subscription) {
    if (subscription.resumes() != null
        || subscription.asSent().length() > LONGEST
        || !subscription.filters().values().stream().allMatch(Filter::isEmpty)) {
      return subscription;
    }
    return held.computeIfAbsent(
        new Key(subscription.id(), subscription.asSent()), same -> subscription);
  }
}

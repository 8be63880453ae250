package com.gptdesk.chat.service.rpc;

import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;

/**
 * Who undid a batch by a message that was refused. For a while they go alone, so that they undo a
 * batch now and then, not with every message. Not thread-safe.
 */
final class SendSuspects {
  private static final Duration SUSPICION = Duration.ofSeconds(10);

  /** The oldest first, so that forgetting looks at no more than it forgets. */
  private final Map<UUID, Long> since = new LinkedHashMap<>();

  void add(UUID person, long now) {
    since.remove(person);
    since.put(person, now);
  }

  boolean contains(UUID person, long now) {
    for (Iterator<Long> oldest = since.values().iterator(); oldest.hasNext(); ) {
      if (now - oldest.next() <= SUSPICION.toNanos()) {
        break;
      }
      oldest.remove();
    }
    return since.containsKey(person);
  }
}

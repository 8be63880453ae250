package com.gptdesk.chat.service.realtime.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.gptdesk.chat.testing.NoTopics;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** What a node tracks, while the database forgets it or fails. */
class PresenceTrackerTest {
  private final Database database = new Database();
  private final PresenceTracker tracker = new PresenceTracker(database);

  @Test
  void whatCouldNotBeWrittenAgainIsWrittenTheNextTime() {
    tracker.track("1/1", "topic", "alice", UUID.randomUUID(), "{}");
    database.isKnown = false;
    database.fails = true;
    assertThrows(IllegalStateException.class, tracker::keep);
    database.fails = false;

    tracker.keep(); // the node is known since the first time

    assertEquals(List.of("1/1"), database.written);
    tracker.keep();
    assertEquals(List.of("1/1"), database.written);
  }

  private static final class Database extends NoTopics {
    final List<String> written = new ArrayList<>();
    boolean isKnown = true;
    boolean fails;

    @Override
    public String track(UUID node, Tracked tracked) {
      return tracked.ref();
    }

    @Override
    public boolean touch(UUID node) {
      boolean before = isKnown;
      isKnown = true;
      return before;
    }

    @Override
    public void trackAgain(UUID node, Collection<Tracked> tracked) {
      if (fails) {
        throw new IllegalStateException("a fault");
      }
      tracked.forEach(one -> written.add(one.origin()));
    }

    @Override
    public void expireNodes() {}
  }
}

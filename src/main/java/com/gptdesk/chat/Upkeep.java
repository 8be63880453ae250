package com.gptdesk.chat;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.internal.chat.Routines;
import java.time.Duration;
import java.util.Collection;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What no request asks for: partitions made ahead of time, and the presence of who is connected.
 * Every node does it; they do not disturb each other. While nobody is connected it leaves the
 * database alone.
 */
final class Upkeep implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Upkeep.class);
  private static final Duration PRESENCE = Duration.ofSeconds(3);
  private static final Duration PARTITIONS = Duration.ofHours(6);
  private static final int MONTHS_AHEAD = 3;

  private final ChatDatabase database;
  private final Supplier<Collection<UUID>> connected;
  private final CountDownLatch closing = new CountDownLatch(1);

  /**
   * @param connected the people with an open socket at this node
   */
  Upkeep(ChatDatabase database, Supplier<Collection<UUID>> connected) {
    this.database = database;
    this.connected = connected;
  }

  void start() {
    repeat("Partitions could not be made", this::makePartitions, PARTITIONS);
    repeat("Presence could not be kept", this::keepPresence, PRESENCE);
  }

  private void makePartitions() {
    int made =
        database.as(
            Caller.relay(),
            tx -> Routines.ensureMessagePartitions(tx.configuration(), MONTHS_AHEAD));
    if (made > 0) {
      LOG.info("Made {} partitions for the messages to come", made);
    }
  }

  private void keepPresence() {
    Collection<UUID> people = connected.get();
    if (people.isEmpty()) {
      return;
    }
    UUID[] ids = people.toArray(UUID[]::new);
    database.as(Caller.relay(), tx -> Routines.touchPresence(tx.configuration(), ids));
    database.as(Caller.relay(), tx -> Routines.expirePresence(tx.configuration()));
  }

  /** At once and then after each pause, until closed; a failure is told and the next time tried. */
  private void repeat(String trouble, Runnable work, Duration pause) {
    Thread.ofVirtual()
        .name("upkeep")
        .start(
            () -> {
              try {
                do {
                  attempt(trouble, work);
                } while (!closing.await(pause.toMillis(), TimeUnit.MILLISECONDS));
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
  }

  private static void attempt(String trouble, Runnable work) {
    try {
      work.run();
    } catch (RuntimeException e) {
      LOG.warn("{}; trying again later", trouble, e);
    }
  }

  @Override
  public void close() {
    closing.countDown();
  }
}

package com.gptdesk.chat;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.internal.chat.Routines;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What no request asks for: partitions made ahead of time. Every node does it; they do not disturb
 * each other.
 */
final class Upkeep implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Upkeep.class);
  private static final Duration PARTITIONS = Duration.ofHours(6);
  private static final int MONTHS_AHEAD = 3;

  private final ChatDatabase database;
  private final CountDownLatch closing = new CountDownLatch(1);

  Upkeep(ChatDatabase database) {
    this.database = database;
  }

  void start() {
    repeat("Partitions could not be made", this::makePartitions, PARTITIONS);
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

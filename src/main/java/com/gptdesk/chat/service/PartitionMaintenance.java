package com.gptdesk.chat.service;

import com.gptdesk.chat.database.internal.chat.Routines;
import com.gptdesk.chat.service.database.ServiceDatabase;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Creates partitions ahead of time, and drops old months as {@code chat.settings.retention_days}
 * says. Every node does it; they do not conflict.
 */
final class PartitionMaintenance implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(PartitionMaintenance.class);
  private static final Duration PARTITIONS = Duration.ofHours(6);

  /** After a failure: others were writing, or the database was not available. */
  private static final Duration AFTER_FAILURE = Duration.ofMinutes(1);

  private static final int MONTHS_AHEAD = 3;

  private static final Duration RETENTION = Duration.ofHours(1);

  /** Between two attempts to drop a month that is in use. */
  private static final Duration BUSY = Duration.ofMillis(200);

  /** How often dropping a month is tried before the next hourly run. */
  private static final int MAX_TRIES = 50;

  private final ServiceDatabase database;
  private final CountDownLatch closing = new CountDownLatch(1);

  PartitionMaintenance(ServiceDatabase database) {
    this.database = database;
  }

  void start() {
    repeat("Partitions could not be created", this::makePartitions, PARTITIONS);
    repeat("Old messages could not be dropped", this::applyRetention, RETENTION);
  }

  private void makePartitions() {
    int made =
        database.as(
            ServiceDatabase.RELAY,
            tx -> Routines.ensureMessagePartitions(tx.configuration(), MONTHS_AHEAD));
    if (made > 0) {
      LOG.info("Created {} partitions for future messages", made);
    }
  }

  /** One step for each transaction, so that neither users nor relays wait long. */
  private void applyRetention() throws InterruptedException {
    String done = null;
    int tries = 0;
    do {
      boolean sweep = !"busy".equals(done);
      done =
          database.as(
              ServiceDatabase.RELAY, tx -> Routines.applyRetention(tx.configuration(), sweep));
      if ("busy".equals(done) || "hanging".equals(done)) {
        if (++tries >= MAX_TRIES) {
          LOG.warn(
              "A month of old messages is in use; trying to drop it again in {} h",
              RETENTION.toHours());
          return;
        }
        if (closing.await(BUSY.toMillis(), TimeUnit.MILLISECONDS)) {
          return;
        }
      } else if (done != null && done.startsWith("user_messages_")) {
        LOG.info("Retention dropped the partition {}", done);
        tries = 0;
      }
    } while (done != null && closing.getCount() > 0);
  }

  /**
   * Runs at once and then after each pause, until closed. A failure is logged and retried sooner.
   */
  private void repeat(String problem, Task work, Duration pause) {
    Thread.ofVirtual()
        .name("upkeep")
        .start(
            () -> {
              try {
                Duration next;
                do {
                  next = attempt(problem, work) ? pause : AFTER_FAILURE;
                } while (!closing.await(next.toMillis(), TimeUnit.MILLISECONDS));
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
  }

  private static boolean attempt(String problem, Task work) throws InterruptedException {
    try {
      work.run();
      return true;
    } catch (RuntimeException e) {
      LOG.warn("{}; trying again in {} s", problem, AFTER_FAILURE.toSeconds(), e);
      return false;
    }
  }

  @FunctionalInterface
  private interface Task {
    void run() throws InterruptedException;
  }

  @Override
  public void close() {
    closing.countDown();
  }
}

package com.gptdesk.chat.service.files;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Removes the bytes of files that are gone, as the database's queue says, and gives up uploads that
 * were not finished or never sent. Every node does it. What a crash interrupts is done again.
 */
public final class FileSweeper implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(FileSweeper.class);
  private static final int BATCH = 100;

  private final FileRecords records;
  private final ObjectStore store;
  private final FileCounts counts;
  private final Duration pause;
  private final Clock clock;
  private final CountDownLatch closing = new CountDownLatch(1);

  /**
   * @param pause between two runs
   */
  public FileSweeper(FileRecords records, ObjectStore store, FileCounts counts, Duration pause) {
    this(records, store, counts, pause, Clock.systemUTC());
  }

  /**
   * @param clock tells which uploads are old
   */
  public FileSweeper(
      FileRecords records, ObjectStore store, FileCounts counts, Duration pause, Clock clock) {
    this.clock = clock;
    this.records = records;
    this.store = store;
    this.counts = counts;
    this.pause = pause;
  }

  /** Runs at once and then after each pause, until closed. */
  public void start() {
    Thread.ofVirtual()
        .name("file-sweeper")
        .start(
            () -> {
              try {
                do {
                  attempt();
                } while (!closing.await(pause.toMillis(), TimeUnit.MILLISECONDS));
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
  }

  private void attempt() {
    try {
      sweep();
    } catch (DatabaseUnavailable e) {
      LOG.warn("Files were not swept: {}; trying again in {} s", e.getMessage(), pause.toSeconds());
    } catch (RuntimeException e) {
      LOG.warn("Files were not swept; trying again in {} s", pause.toSeconds(), e);
    }
  }

  /** One run, until nothing is left to do. */
  public void sweep() {
    while (closing.getCount() > 0 && records.sweep(BATCH)) {
      LOG.debug("Gave up uploads that were not finished or never sent");
    }
    List<UUID> taken;
    do {
      taken = records.takeRemovals(BATCH);
      List<UUID> removed = new ArrayList<>();
      boolean answers = true;
      for (UUID id : taken) {
        if (!answers) {
          break; // the rest is taken again when the lease has ended
        }
        switch (remove(id)) {
          case DONE -> removed.add(id);
          case FAILED -> {}
          case NO_ANSWER -> answers = false;
        }
      }
      if (!removed.isEmpty()) {
        records.finishRemovals(removed);
        counts.removed(removed.size());
      }
      if (!answers) {
        return;
      }
    } while (taken.size() == BATCH && closing.getCount() > 0);
    tidy();
  }

  /** What another node has begun, and what a crash left of uploads that are no more. */
  private void tidy() {
    try {
      store.tidy(clock.instant().minus(records.limits().unfinished()));
    } catch (IOException e) {
      LOG.warn("What is left of old uploads was not removed; trying again later", e);
    }
  }

  private enum Removal {
    DONE,
    FAILED,
    NO_ANSWER
  }

  private Removal remove(UUID id) {
    try {
      for (UUID thumbnail : Thumbnail.objects(id)) {
        store.remove(thumbnail);
      }
      store.remove(id);
      return Removal.DONE;
    } catch (IOException e) {
      counts.removalFailed();
      LOG.warn("The file {} was not removed; trying again in some minutes", id, e);
      return e instanceof StoreUnavailable ? Removal.NO_ANSWER : Removal.FAILED;
    }
  }

  @Override
  public void close() {
    closing.countDown();
  }
}

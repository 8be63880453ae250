package com.gptdesk.chat.database.embedded;

import java.io.IOException;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Restarts a PostgreSQL that died. One that was stopped, by whatever means, stays stopped. Until
 * this is closed, no other code may start or stop that server.
 */
final class ServerWatch implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(ServerWatch.class);
  private static final Duration LOOK = Duration.ofMillis(500);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  /** After so long the next failure counts as the first. */
  private static final Duration STEADY = Duration.ofMinutes(5);

  /** Starts the server with its previous options. */
  @FunctionalInterface
  interface Start {
    /**
     * Starts it.
     *
     * @throws IOException it cannot be started now; to be tried again
     */
    void start() throws IOException;
  }

  private final PostgresServer server;
  private final Start start;
  private final AtomicLong restarts = new AtomicLong();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Thread thread;

  /** Starts to watch. */
  ServerWatch(PostgresServer server, Start start) {
    this.server = server;
    this.start = start;
    this.thread = Thread.ofVirtual().name("postgresql-watch").start(this::watch);
  }

  /** {@return how often it was restarted} */
  long restarts() {
    return restarts.get();
  }

  private void watch() {
    try {
      Duration pause = LOOK;
      long begun = System.nanoTime();
      while (!closesWithin(LOOK)) {
        if (!hasDied()) {
          continue;
        }
        if (System.nanoTime() - begun > STEADY.toNanos()) {
          pause = LOOK;
        }
        do {
          LOG.error("The embedded PostgreSQL died; restarting it in {} ms", pause.toMillis());
          if (closesWithin(pause)) {
            return;
          }
          pause = Collections.min(List.of(pause.multipliedBy(2), LONGEST_PAUSE));
        } while (!startsAgain());
        begun = System.nanoTime();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean hasDied() {
    try {
      return server.hasDied();
    } catch (IOException | RuntimeException e) {
      LOG.warn("Could not check whether the embedded PostgreSQL runs; trying again", e);
      return false;
    }
  }

  private boolean startsAgain() {
    try {
      start.start();
      if (closing.getCount() > 0) { // otherwise it may have been stopped properly
        restarts.incrementAndGet();
        LOG.info("The embedded PostgreSQL runs again");
      }
      return true;
    } catch (IOException | RuntimeException e) {
      if (closing.getCount() > 0) {
        LOG.error("The embedded PostgreSQL could not be restarted", e);
      } else {
        LOG.debug("The embedded PostgreSQL is being stopped", e);
      }
      return false;
    }
  }

  private boolean closesWithin(Duration time) throws InterruptedException {
    return closing.await(time.toMillis(), TimeUnit.MILLISECONDS);
  }

  /**
   * Returns when the watch has ended. A running start is aborted; the next start continues its
   * recovery.
   */
  @Override
  public void close() {
    closing.countDown();
    server.giveUp();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

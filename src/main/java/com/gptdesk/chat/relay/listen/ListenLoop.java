package com.gptdesk.chat.relay.listen;

import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a doorbell listening: makes it, hears when it is lost, makes the next with back-off.
 * Whatever may have been missed counts as a ring: a new connection, and a lost one. Its own virtual
 * thread; ends at {@link #close}.
 */
public final class ListenLoop implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ListenLoop.class);

  private final ListenSettings settings;
  private final WakeUp bell;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final LongAdder reconnects = new LongAdder();
  private final Thread thread;
  private volatile boolean listening;

  /**
   * Not started yet.
   *
   * @param settings where to listen
   * @param bell what is rung by a notification, and whenever one may have been missed
   */
  public ListenLoop(ListenSettings settings, WakeUp bell) {
    this.settings = settings;
    this.bell = bell;
    this.thread = Thread.ofVirtual().name("doorbell").unstarted(this::run);
  }

  /** Begins to connect and returns at once. */
  public void start() {
    thread.start();
  }

  /**
   * Whether what is notified now will be heard. When it stops being so, the bell rings.
   *
   * @return true while a connection listens
   */
  public boolean isListening() {
    return listening;
  }

  /**
   * How often a lost connection was remade.
   *
   * @return since the start
   */
  public long reconnects() {
    return reconnects.sum();
  }

  private void run() {
    var backoff = new Backoff(settings.firstRetry(), settings.longestRetry());
    boolean first = true;
    try {
      while (!isClosing()) {
        String trouble = listen(backoff, first);
        first = false;
        if (isClosing()) {
          return;
        }
        Duration wait = backoff.next();
        LOG.warn(
            "Listener lost its connection ({}); trying again in {} ms", trouble, wait.toMillis());
        pauseUnlessClosing(wait);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Listens until the connection is lost or this is closed; returns what went wrong. */
  private String listen(Backoff backoff, boolean first) throws InterruptedException {
    var ear = new Ear();
    try (Listener doorbell = settings.driver().open(settings, ear)) {
      listening = true;
      bell.ring();
      backoff.reset();
      if (!first) {
        reconnects.increment();
        LOG.info("Listener is connected again");
      }
      while (!isClosing() && !ear.lost.await(settings.backstop().toNanos(), TimeUnit.NANOSECONDS)) {
        doorbell.check();
      }
      return ear.reason;
    } catch (SQLException e) {
      return String.valueOf(e.getMessage());
    } finally {
      listening = false;
      bell.ring();
    }
  }

  private boolean isClosing() {
    return closing.getCount() == 0;
  }

  private void pauseUnlessClosing(Duration wait) throws InterruptedException {
    if (closing.await(wait.toNanos(), TimeUnit.NANOSECONDS)) {
      LOG.debug("Listener ends");
    }
  }

  @Override
  public void close() {
    closing.countDown();
    thread.interrupt();
  }

  /** What one connection says. A connection of before says nothing any more to the one of now. */
  private final class Ear implements Listener.Ear {
    final CountDownLatch lost = new CountDownLatch(1);
    volatile String reason = "closed";

    @Override
    public void rang() {
      bell.ring();
    }

    @Override
    public void lost(String why) {
      if (lost.getCount() != 0) {
        reason = why;
        lost.countDown();
      }
    }
  }
}

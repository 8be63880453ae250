package com.gptdesk.chat.relay.listen;

import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps one {@link Listener} open: opens it, notices when it is lost, and opens the next one with
 * back-off. It signals whenever a notification may have been missed, so also when a connection is
 * opened or lost. Runs in its own virtual thread until {@link #close}.
 */
public final class ListenLoop implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ListenLoop.class);

  private final ListenSettings settings;
  private final WakeUp wakeUp;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final LongAdder reconnects = new LongAdder();
  private final Thread thread;
  private final LongAdder silences = new LongAdder();
  private final Runnable onSilence;
  private volatile @Nullable Listener listener;

  /** The last connection's server process; owned by the loop's thread. */
  private @Nullable Backend predecessor;

  /**
   * Creates a loop that is not started.
   *
   * @param settings where to listen
   * @param wakeUp is signalled by a notification, and whenever one may have been missed
   * @param onSilence runs when a connection was lost because the server did not answer
   */
  public ListenLoop(ListenSettings settings, WakeUp wakeUp, Runnable onSilence) {
    this.settings = settings;
    this.wakeUp = wakeUp;
    this.onSilence = onSilence;
    this.thread = Thread.ofVirtual().name("listener").unstarted(this::run);
  }

  /** Starts to connect and returns at once. */
  public void start() {
    thread.start();
  }

  /**
   * Whether a notification that is sent now will arrive. When the connection is lost, the loop
   * signals; when the server only owes an answer, it does not.
   *
   * @return true while a connection listens and answers
   */
  public boolean isListening() {
    Listener open = listener;
    return open != null && !open.isSuspect();
  }

  /**
   * How often a lost connection was replaced.
   *
   * @return since the start
   */
  public long reconnects() {
    return reconnects.sum();
  }

  /**
   * How often a connection was given up because the server did not answer.
   *
   * @return since the start
   */
  public long silences() {
    return silences.sum();
  }

  private void run() {
    var backoff = new Backoff(settings.firstRetry(), settings.longestRetry());
    boolean first = true;
    try {
      while (!isClosing()) {
        String failure = listen(backoff, first);
        first = false;
        if (isClosing()) {
          return;
        }
        Duration wait = backoff.next();
        LOG.warn(
            "Listener lost its connection ({}); trying again in {} ms", failure, wait.toMillis());
        pauseUnlessClosing(wait);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Listens until the connection is lost or this is closed; returns why it ended. */
  private String listen(Backoff backoff, boolean first) throws InterruptedException {
    var callback = new ConnectionCallback();
    try (Listener opened = open(callback)) {
      predecessor = opened.backend();
      listener = opened;
      wakeUp.signal();
      backoff.reset();
      if (!first) {
        reconnects.increment();
        LOG.info("Listener is connected again");
      }
      try {
        while (!isClosing()
            && !callback.lost.await(settings.heartbeat().toNanos(), TimeUnit.NANOSECONDS)) {
          opened.check();
        }
      } finally {
        listener = null; // before it is closed, which may take a while
        wakeUp.signal();
      }
      return callback.reason;
    } catch (SQLException e) {
      return String.valueOf(e.getMessage());
    }
  }

  /** After it returns, no notification is missed while the connection is open. */
  private Listener open(Listener.Callback callback) throws SQLException, InterruptedException {
    return switch (settings.driver()) {
      case PGJDBC_NG -> PgNgListener.open(settings, callback, predecessor);
      case PGJDBC -> PgjdbcListener.open(settings, callback, predecessor);
    };
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

  /**
   * Belongs to one connection, so that a late callback of a lost one does not end its successor.
   */
  private final class ConnectionCallback implements Listener.Callback {
    final CountDownLatch lost = new CountDownLatch(1);
    volatile String reason = "closed";

    @Override
    public void notified() {
      wakeUp.signal();
    }

    @Override
    public void lost(String why, boolean silent) {
      if (lost.getCount() != 0) {
        reason = why;
        if (silent) {
          silences.increment();
          onSilence.run();
        }
        lost.countDown();
      }
    }
  }
}

package com.gptdesk.chat.relay.listen;

import java.sql.SQLException;
import java.time.Duration;

/**
 * For how long a connection owes an answer. The thread that owns the connection asks; any thread
 * may look.
 */
public final class PendingAnswer {
  private volatile boolean owed;
  private volatile long since;

  /** Creates one for a connection that owes nothing. */
  public PendingAnswer() {}

  /**
   * What the server is asked.
   *
   * @param <T> of the answer
   */
  @FunctionalInterface
  public interface Question<T> {
    /**
     * Asks and waits for the answer.
     *
     * @return the answer
     * @throws SQLException it failed, or the connection is lost
     */
    T ask() throws SQLException;
  }

  /**
   * Asks, and remembers since when.
   *
   * @param <T> of the answer
   * @param question blocks until it is answered
   * @return the answer
   * @throws SQLException it failed, or the connection is lost
   */
  public <T> T to(Question<T> question) throws SQLException {
    since = System.nanoTime();
    owed = true;
    try {
      return question.ask();
    } finally {
      owed = false;
    }
  }

  /**
   * Whether an answer is owed for longer than that.
   *
   * @param bound how long it may be owed
   * @return false when none is owed
   */
  public boolean isOlderThan(Duration bound) {
    return owed && System.nanoTime() - since > bound.toNanos();
  }
}

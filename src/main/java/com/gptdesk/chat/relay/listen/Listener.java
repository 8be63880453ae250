package com.gptdesk.chat.relay.listen;

import java.time.Duration;

/**
 * One connection that LISTENs and does nothing else. It listens from the start until it is closed
 * or lost, and never reconnects: {@link ListenLoop} opens the next one.
 */
interface Listener extends AutoCloseable {
  /** The channel of the notifications. They carry no payload: each one means "read the log now". */
  String CHANNEL = "gptdesk_chat";

  /** Receives the notifications. Called by the driver's thread. */
  interface Callback {
    /** A notification arrived. */
    void notified();

    /**
     * The connection is lost and delivers no more notifications. May be called more than once.
     *
     * @param silent whether the server gave no answer in time, so that the connection may be half
     *     open
     */
    void lost(String reason, boolean silent);
  }

  /** The reason of a connection that gave no answer. */
  default String noAnswerWithin(Duration timeout) {
    return "no answer within " + timeout.toMillis() + " ms, it may be half open";
  }

  /**
   * Asks the server whether the connection is still open, since a cut network goes unnoticed. Calls
   * {@link Callback#lost} if it is not. Blocks for the time-out of the settings at most.
   */
  void check();

  /**
   * Whether the server owes an answer for so long that notifications may not arrive either.
   *
   * @return true while the connection may be half open
   */
  boolean isSuspect();

  /** {@return its server process} */
  Backend backend();

  /** Ends the connection without calling {@link Callback#lost}. */
  @Override
  void close();
}

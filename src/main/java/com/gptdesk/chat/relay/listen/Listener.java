package com.gptdesk.chat.relay.listen;

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

    /** The connection is lost and delivers no more notifications. May be called more than once. */
    void lost(String reason);
  }

  /**
   * Asks the server whether the connection is still open, since a cut network goes unnoticed. Calls
   * {@link Callback#lost} if it is not. Blocks for some seconds at most.
   */
  void check();

  /** Ends the connection without calling {@link Callback#lost}. */
  @Override
  void close();
}

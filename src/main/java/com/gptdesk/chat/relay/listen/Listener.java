package com.gptdesk.chat.relay.listen;

/**
 * One connection that LISTENs, and nothing else. It is made listening, rings until it is closed or
 * lost, and is never made again: {@link ListenLoop} makes the next.
 */
interface Listener extends AutoCloseable {
  /**
   * The channel the database rings on. A notification carries nothing: it only means "look now".
   */
  String CHANNEL = "gptdesk_chat";

  /** Who hears the bell. Called by whatever thread the driver uses. */
  interface Ear {
    /** Somebody rang. */
    void rang();

    /** The connection is gone; it rings no more. May be said more than once. */
    void lost(String reason);
  }

  /**
   * Asks the server whether the connection still stands, which a cut network does not tell by
   * itself; tells the ear when it does not. Blocks for some seconds at most.
   */
  void check();

  /** Ends the connection without telling the ear. */
  @Override
  void close();
}

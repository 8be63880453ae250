package com.gptdesk.chat.relay.listen;

/** The PostgreSQL driver of the connection that listens. */
public enum ListenDriver {
  /** pgjdbc-ng, whose asynchronous callback wakes the relay without a waiting thread. */
  PGJDBC_NG,

  /**
   * pgjdbc, with a thread that waits; for connections that only pgjdbc can make (socket factories,
   * GSSAPI).
   */
  PGJDBC
}

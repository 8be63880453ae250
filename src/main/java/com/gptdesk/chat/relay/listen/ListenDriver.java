package com.gptdesk.chat.relay.listen;

import java.sql.SQLException;

/** Which driver listens for the doorbell. */
public enum ListenDriver {
  /** pgjdbc-ng, whose asynchronous callback wakes the relay without a waiting thread. */
  PGJDBC_NG {
    @Override
    Listener open(ListenSettings settings, Listener.Ear ear) throws SQLException {
      return PgNgListener.open(settings, ear);
    }
  },

  /**
   * pgjdbc, with a thread that waits; for connections that only pgjdbc can make (socket factories,
   * GSSAPI).
   */
  PGJDBC {
    @Override
    Listener open(ListenSettings settings, Listener.Ear ear) throws SQLException {
      return PgjdbcListener.open(settings, ear);
    }
  };

  /**
   * Connects and LISTENs: when this returns, nothing that is notified from then on is missed while
   * the connection stands.
   */
  abstract Listener open(ListenSettings settings, Listener.Ear ear) throws SQLException;
}

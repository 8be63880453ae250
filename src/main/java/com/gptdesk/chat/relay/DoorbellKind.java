package com.gptdesk.chat.relay;

import java.sql.SQLException;

/** Which driver listens for the doorbell. */
public enum DoorbellKind {
  /** pgjdbc-ng, whose asynchronous callback wakes the relay without a waiting thread. */
  PGJDBC_NG {
    @Override
    Doorbell open(RelaySettings settings, Doorbell.Ear ear) throws SQLException {
      return PgNgDoorbell.open(settings, ear);
    }
  },

  /**
   * pgjdbc, with a thread that waits; for connections that only pgjdbc can make (socket factories,
   * GSSAPI).
   */
  PGJDBC {
    @Override
    Doorbell open(RelaySettings settings, Doorbell.Ear ear) throws SQLException {
      return PgjdbcDoorbell.open(settings, ear);
    }
  };

  /**
   * Connects and LISTENs: when this returns, nothing that is notified from then on is missed while
   * the connection stands.
   */
  abstract Doorbell open(RelaySettings settings, Doorbell.Ear ear) throws SQLException;
}

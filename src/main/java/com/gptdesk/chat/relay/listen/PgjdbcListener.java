package com.gptdesk.chat.relay.listen;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** Listens by pgjdbc: a virtual thread waits on the connection's socket. */
final class PgjdbcListener implements Listener {
  private final Connection connection;
  private final Ear ear;
  private final Duration backstop;
  private final int timeoutSeconds;
  private volatile boolean closed;

  private PgjdbcListener(Connection connection, Ear ear, ListenSettings settings) {
    this.connection = connection;
    this.ear = ear;
    this.backstop = settings.backstop();
    this.timeoutSeconds = (int) Math.max(1, settings.timeout().toSeconds());
  }

  static PgjdbcListener open(ListenSettings settings, Ear ear) throws SQLException {
    Connection connection = Sessions.open(settings, "gptdesk-chat doorbell");
    try (Statement statement = connection.createStatement()) {
      statement.execute(Sessions.PATIENCE);
      statement.execute("listen " + CHANNEL);
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
    var doorbell = new PgjdbcListener(connection, ear, settings);
    Thread.ofVirtual().name("doorbell ear").start(doorbell::hear);
    return doorbell;
  }

  private void hear() {
    try {
      PGConnection pg = connection.unwrap(PGConnection.class);
      while (!closed) {
        PGNotification[] heard = pg.getNotifications((int) Math.max(1, backstop.toMillis()));
        if (heard != null && heard.length > 0) {
          ear.rang();
        } else if (!connection.isValid(timeoutSeconds)) {
          throw new SQLException("no answer from the server");
        }
      }
    } catch (SQLException e) {
      if (!closed) {
        ear.lost(String.valueOf(e.getMessage()));
      }
    }
  }

  /**
   * Nothing to do: the waiting thread asks by itself after each silence, and alone may use the
   * connection.
   */
  @Override
  public void check() {}

  @Override
  public void close() {
    closed = true;
    // Not close(), which would queue behind the thread that waits on the socket.
    Sessions.abort(connection);
  }
}

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
  private final Callback callback;
  private final Duration backstop;
  private final int timeoutSeconds;
  private volatile boolean closed;

  private PgjdbcListener(Connection connection, Callback callback, ListenSettings settings) {
    this.connection = connection;
    this.callback = callback;
    this.backstop = settings.backstop();
    this.timeoutSeconds = (int) Math.max(1, settings.timeout().toSeconds());
  }

  static PgjdbcListener open(ListenSettings settings, Callback callback) throws SQLException {
    Connection connection = Sessions.open(settings, "gptdesk-chat listener");
    try (Statement statement = connection.createStatement()) {
      statement.execute(Sessions.PATIENCE);
      statement.execute("listen " + CHANNEL);
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
    var listener = new PgjdbcListener(connection, callback, settings);
    Thread.ofVirtual().name("listener").start(listener::waitForNotifications);
    return listener;
  }

  private void waitForNotifications() {
    try {
      PGConnection pg = connection.unwrap(PGConnection.class);
      while (!closed) {
        PGNotification[] notifications =
            pg.getNotifications((int) Math.max(1, backstop.toMillis()));
        if (notifications != null && notifications.length > 0) {
          callback.notified();
        } else if (!connection.isValid(timeoutSeconds)) {
          throw new SQLException("no answer from the server");
        }
      }
    } catch (SQLException e) {
      if (!closed) {
        callback.lost(String.valueOf(e.getMessage()));
      }
    }
  }

  /**
   * Does nothing: the waiting thread checks the connection after each silence, and no other thread
   * may use it.
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

package com.gptdesk.chat.relay.listen;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** Listens by pgjdbc: a virtual thread waits on the connection's socket. */
final class PgjdbcListener implements Listener {
  private static final String LISTEN = "listen " + CHANNEL;

  private final Connection connection;
  private final Callback callback;
  private final ListenSettings settings;
  private final Backend backend;
  private final PendingAnswer answer = new PendingAnswer();
  private volatile boolean closed;

  private PgjdbcListener(Connection connection, Callback callback, ListenSettings settings)
      throws SQLException {
    this.connection = connection;
    this.callback = callback;
    this.settings = settings;
    this.backend = Backend.of(connection);
  }

  static PgjdbcListener open(
      ListenSettings settings, Callback callback, @Nullable Backend predecessor)
      throws SQLException {
    Connection connection = Sessions.open(settings, "gptdesk-chat listener");
    PgjdbcListener listener;
    try (Statement statement = connection.createStatement()) {
      statement.execute(Sessions.PATIENCE);
      if (predecessor != null) {
        predecessor.end(connection);
      }
      listener = new PgjdbcListener(connection, callback, settings);
      statement.execute(LISTEN);
    } catch (SQLException e) {
      Sessions.abort(connection);
      throw e;
    }
    Thread.ofVirtual().name("listener").start(listener::waitForNotifications);
    return listener;
  }

  private void waitForNotifications() {
    try (Statement statement = connection.createStatement()) {
      PGConnection pg = connection.unwrap(PGConnection.class);
      while (!closed) {
        PGNotification[] notifications =
            pg.getNotifications((int) Math.max(1, settings.heartbeat().toMillis()));
        if (notifications != null && notifications.length > 0) {
          callback.notified();
        } else {
          // The heartbeat. To listen again changes nothing, and asks the server for an answer.
          answer.to(() -> statement.execute(LISTEN));
        }
      }
    } catch (SQLException e) {
      if (!closed) {
        callback.lost(
            Sessions.isSilence(e)
                ? noAnswerWithin(settings.timeout())
                : String.valueOf(e.getMessage()),
            Sessions.isSilence(e));
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
  public boolean isSuspect() {
    return answer.isOlderThan(settings.suspicion());
  }

  @Override
  public Backend backend() {
    return backend;
  }

  @Override
  public void close() {
    closed = true;
    // Not close(), which would queue behind the thread that waits on the socket.
    Sessions.abort(connection);
  }
}

package com.gptdesk.chat.relay.listen;

import java.net.SocketTimeoutException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Properties;
import org.postgresql.Driver;
import org.postgresql.PGProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens and ends the relay's own pgjdbc connections, which belong to no pool. */
public final class Sessions {
  /**
   * Removes timeouts that a DBA may have set on the login for requests: a relay's session may be
   * idle for hours. The server itself looks whether its client is still there, so that the locks of
   * a node that lost its power or network are free after some seconds. That costs packets and no
   * query.
   */
  public static final String PATIENCE =
      "set statement_timeout = 0; set lock_timeout = 0; set idle_session_timeout = 0;"
          + " set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 2;"
          + " set tcp_keepalives_count = 3; set tcp_user_timeout = '15s'";

  private static final Logger LOG = LoggerFactory.getLogger(Sessions.class);
  private static final Driver DRIVER = new Driver();

  private Sessions() {}

  /**
   * Opens a connection in autocommit mode, which from then on fails when the server does not answer
   * within the settings' time-out. Properties in the URL take precedence while it is opened.
   *
   * @param settings where to connect
   * @param name what {@code pg_stat_activity} calls it
   * @return the connection
   * @throws SQLException it could not be made
   */
  public static Connection open(ListenSettings settings, String name) throws SQLException {
    String seconds = String.valueOf(wholeSeconds(settings.connectTimeout()));
    var properties = new Properties();
    PGProperty.USER.set(properties, settings.user());
    PGProperty.PASSWORD.set(properties, settings.password().get());
    PGProperty.APPLICATION_NAME.set(properties, name);
    PGProperty.CONNECT_TIMEOUT.set(properties, seconds);
    PGProperty.SOCKET_TIMEOUT.set(properties, seconds);
    PGProperty.TCP_KEEP_ALIVE.set(properties, true);
    PGProperty.TARGET_SERVER_TYPE.set(properties, "primary");
    PGProperty.PREPARE_THRESHOLD.set(properties, 1);
    Connection connection = DRIVER.connect(settings.jdbcUrl(), properties);
    if (connection == null) {
      throw new SQLException("Not a PostgreSQL URL: " + settings, "08001");
    }
    waitForAnswers(connection, settings.timeout());
    return connection;
  }

  /**
   * From now on the connection is lost when the server does not answer within this time.
   *
   * @param connection one of pgjdbc
   * @param timeout how long an answer may take
   * @throws SQLException the connection is closed
   */
  public static void waitForAnswers(Connection connection, Duration timeout) throws SQLException {
    connection.setNetworkTimeout(
        Runnable::run,
        Math.toIntExact(Math.max(1, Math.min(timeout.toMillis(), Integer.MAX_VALUE))));
  }

  /**
   * Whether a connection failed because the server did not answer in time.
   *
   * @param e what the driver threw
   * @return false when the connection was closed, or for any other failure
   */
  public static boolean isSilence(SQLException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof SocketTimeoutException) {
        return true;
      }
    }
    return false;
  }

  /** Rounded up, for drivers that know only seconds. */
  static int wholeSeconds(Duration time) {
    return Math.toIntExact(Math.max(1, time.plusMillis(999).toSeconds()));
  }

  /**
   * Ends a connection from any thread, even while another thread waits for an answer on it.
   *
   * @param connection the one to end
   */
  public static void abort(Connection connection) {
    try {
      connection.abort(Runnable::run);
    } catch (SQLException e) {
      LOG.debug("The relay's connection was already closed", e);
    }
  }
}

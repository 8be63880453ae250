package com.gptdesk.chat.relay.listen;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Properties;
import org.postgresql.Driver;
import org.postgresql.PGProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens and ends the relay's own pgjdbc connections, which belong to no pool. */
public final class Sessions {
  /**
   * Removes timeouts that a DBA may have set on the login for requests. A relay's session may be
   * idle for hours.
   */
  public static final String PATIENCE =
      "set statement_timeout = 0; set lock_timeout = 0; set idle_session_timeout = 0";

  private static final Logger LOG = LoggerFactory.getLogger(Sessions.class);
  private static final Driver DRIVER = new Driver();

  private Sessions() {}

  /**
   * Opens a connection in autocommit mode. Properties in the URL take precedence.
   *
   * @param settings where to connect
   * @param name what {@code pg_stat_activity} calls it
   * @return the connection
   * @throws SQLException it could not be made
   */
  public static Connection open(ListenSettings settings, String name) throws SQLException {
    String seconds = String.valueOf(Math.max(1, settings.timeout().toSeconds()));
    var properties = new Properties();
    PGProperty.USER.set(properties, settings.user());
    PGProperty.PASSWORD.set(properties, settings.password());
    PGProperty.APPLICATION_NAME.set(properties, name);
    PGProperty.CONNECT_TIMEOUT.set(properties, seconds);
    PGProperty.LOGIN_TIMEOUT.set(properties, seconds);
    PGProperty.SOCKET_TIMEOUT.set(properties, seconds);
    PGProperty.TCP_KEEP_ALIVE.set(properties, true);
    PGProperty.TARGET_SERVER_TYPE.set(properties, "primary");
    PGProperty.PREPARE_THRESHOLD.set(properties, 1);
    Connection connection = DRIVER.connect(settings.jdbcUrl(), properties);
    if (connection == null) {
      throw new SQLException("Not a PostgreSQL URL: " + settings, "08001");
    }
    return connection;
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

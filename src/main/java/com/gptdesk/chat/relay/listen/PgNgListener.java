package com.gptdesk.chat.relay.listen;

import com.impossibl.postgres.api.jdbc.PGConnection;
import com.impossibl.postgres.api.jdbc.PGNotificationListener;
import com.impossibl.postgres.jdbc.PGDriver;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;
import org.postgresql.PGProperty;

/**
 * Listens by pgjdbc-ng, whose callback runs as soon as the server sends something. No thread waits.
 */
final class PgNgListener implements Listener {
  private static final PGDriver DRIVER = new PGDriver();

  private final PGConnection connection;
  private final NotificationCallback notifications;
  private final int timeoutSeconds;

  private PgNgListener(
      PGConnection connection, NotificationCallback notifications, int timeoutSeconds) {
    this.connection = connection;
    this.notifications = notifications;
    this.timeoutSeconds = timeoutSeconds;
  }

  /** Tries the servers of the URL in turn; a standby refuses to LISTEN. */
  static PgNgListener open(ListenSettings settings, Callback callback) throws SQLException {
    Properties parsed = Driver.parseURL(settings.jdbcUrl(), null);
    if (parsed == null) {
      throw new SQLException("Not a PostgreSQL URL: " + settings, "08001");
    }
    SQLException failure = null;
    for (String url : urls(parsed)) {
      try {
        return open(url, properties(parsed, settings), settings, callback);
      } catch (SQLException e) {
        if (failure != null) {
          e.addSuppressed(failure);
        }
        failure = e;
      }
    }
    throw failure != null ? failure : new SQLException("The URL names no server", "08001");
  }

  private static PgNgListener open(
      String url, Properties properties, ListenSettings settings, Callback callback)
      throws SQLException {
    Connection opened = DRIVER.connect(url, properties);
    if (opened == null) {
      throw new SQLException("pgjdbc-ng does not know this URL: " + url, "08001");
    }
    PGConnection connection = opened.unwrap(PGConnection.class);
    var notifications = new NotificationCallback(callback);
    try {
      connection.addNotificationListener(CHANNEL, CHANNEL, notifications);
      try (Statement statement = connection.createStatement()) {
        statement.execute(Sessions.PATIENCE);
        statement.execute("listen " + CHANNEL);
      }
    } catch (SQLException e) {
      notifications.closed = true;
      connection.close();
      throw e;
    }
    return new PgNgListener(
        connection, notifications, (int) Math.max(1, settings.timeout().toSeconds()));
  }

  private static List<String> urls(Properties parsed) {
    String[] hosts = named(parsed, PGProperty.PG_HOST, "localhost").split(",");
    String[] ports = named(parsed, PGProperty.PG_PORT, "5432").split(",");
    String database = named(parsed, PGProperty.PG_DBNAME, "");
    var urls = new ArrayList<String>();
    for (int i = 0; i < hosts.length; i++) {
      String host =
          hosts[i].contains(":") && !hosts[i].startsWith("[") ? "[" + hosts[i] + "]" : hosts[i];
      urls.add(
          "jdbc:pgsql://" + host + ":" + ports[Math.min(i, ports.length - 1)] + "/" + database);
    }
    return urls;
  }

  /** Translates pgjdbc's property names to those of pgjdbc-ng. */
  private static Properties properties(Properties parsed, ListenSettings settings) {
    var properties = new Properties();
    properties.setProperty("user", named(parsed, PGProperty.USER, settings.user()));
    properties.setProperty("password", named(parsed, PGProperty.PASSWORD, settings.password()));
    properties.setProperty("application.name", "gptdesk-chat listener");
    properties.setProperty("housekeeper", "false");
    properties.setProperty("protocol.io.threads", "1");
    properties.setProperty("network.timeout", String.valueOf(settings.timeout().toMillis()));
    properties.setProperty("ssl.mode", named(parsed, PGProperty.SSL_MODE, "prefer"));
    carry(parsed, PGProperty.SSL_ROOT_CERT, properties, "ssl.ca.certificate.file");
    carry(parsed, PGProperty.SSL_CERT, properties, "ssl.certificate.file");
    carry(parsed, PGProperty.SSL_KEY, properties, "ssl.key.file");
    return properties;
  }

  private static String named(Properties parsed, PGProperty property, String otherwise) {
    String value = property.getOrNull(parsed);
    return value == null ? otherwise : value;
  }

  private static void carry(
      Properties parsed, PGProperty property, Properties properties, String name) {
    @Nullable String value = property.getOrNull(parsed);
    if (value != null) {
      properties.setProperty(name, value);
    }
  }

  @Override
  public void check() {
    boolean valid;
    try {
      valid = connection.isValid(timeoutSeconds);
    } catch (SQLException e) {
      valid = false;
    }
    if (!valid) {
      notifications.closed();
    }
  }

  @Override
  public void close() {
    notifications.closed = true;
    try {
      connection.close();
    } catch (SQLException e) {
      Sessions.abort(connection);
    }
  }

  /** The driver's callbacks. Called by its network thread. */
  private static final class NotificationCallback implements PGNotificationListener {
    private final Callback callback;
    volatile boolean closed;

    NotificationCallback(Callback callback) {
      this.callback = callback;
    }

    @Override
    public void notification(int processId, String channelName, String payload) {
      if (!closed) {
        callback.notified();
      }
    }

    @Override
    public void closed() {
      if (!closed) {
        callback.lost("the connection is closed");
      }
    }
  }
}

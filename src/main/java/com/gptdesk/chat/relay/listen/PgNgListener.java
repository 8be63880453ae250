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

/** Listens by pgjdbc-ng, whose callback comes the moment the server speaks; no thread waits. */
final class PgNgListener implements Listener {
  private static final PGDriver DRIVER = new PGDriver();

  private final PGConnection connection;
  private final Hearing hearing;
  private final int timeoutSeconds;

  private PgNgListener(PGConnection connection, Hearing hearing, int timeoutSeconds) {
    this.connection = connection;
    this.hearing = hearing;
    this.timeoutSeconds = timeoutSeconds;
  }

  /** Tries the URL's servers in turn; one that is a standby refuses to LISTEN. */
  static PgNgListener open(ListenSettings settings, Ear ear) throws SQLException {
    Properties parsed = Driver.parseURL(settings.jdbcUrl(), null);
    if (parsed == null) {
      throw new SQLException("Not a PostgreSQL URL: " + settings, "08001");
    }
    SQLException trouble = null;
    for (String url : urls(parsed)) {
      try {
        return open(url, properties(parsed, settings), settings, ear);
      } catch (SQLException e) {
        if (trouble != null) {
          e.addSuppressed(trouble);
        }
        trouble = e;
      }
    }
    throw trouble != null ? trouble : new SQLException("The URL names no server", "08001");
  }

  private static PgNgListener open(
      String url, Properties properties, ListenSettings settings, Ear ear) throws SQLException {
    Connection opened = DRIVER.connect(url, properties);
    if (opened == null) {
      throw new SQLException("pgjdbc-ng does not know this URL: " + url, "08001");
    }
    PGConnection connection = opened.unwrap(PGConnection.class);
    var hearing = new Hearing(ear);
    try {
      connection.addNotificationListener(CHANNEL, CHANNEL, hearing);
      try (Statement statement = connection.createStatement()) {
        statement.execute(Sessions.PATIENCE);
        statement.execute("listen " + CHANNEL);
      }
    } catch (SQLException e) {
      hearing.deaf = true;
      connection.close();
      throw e;
    }
    return new PgNgListener(connection, hearing, (int) Math.max(1, settings.timeout().toSeconds()));
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

  /** The same settings by the names of the other driver. */
  private static Properties properties(Properties parsed, ListenSettings settings) {
    var properties = new Properties();
    properties.setProperty("user", named(parsed, PGProperty.USER, settings.user()));
    properties.setProperty("password", named(parsed, PGProperty.PASSWORD, settings.password()));
    properties.setProperty("application.name", "gptdesk-chat doorbell");
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
      hearing.closed();
    }
  }

  @Override
  public void close() {
    hearing.deaf = true;
    try {
      connection.close();
    } catch (SQLException e) {
      Sessions.abort(connection);
    }
  }

  /** The driver's callbacks. Called by its network thread. */
  private static final class Hearing implements PGNotificationListener {
    private final Ear ear;
    volatile boolean deaf;

    Hearing(Ear ear) {
      this.ear = ear;
    }

    @Override
    public void notification(int processId, String channelName, String payload) {
      if (!deaf) {
        ear.rang();
      }
    }

    @Override
    public void closed() {
      if (!deaf) {
        ear.lost("the connection is closed");
      }
    }
  }
}

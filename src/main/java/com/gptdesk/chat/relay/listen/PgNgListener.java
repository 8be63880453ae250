package com.gptdesk.chat.relay.listen;

import com.impossibl.postgres.api.jdbc.PGConnection;
import com.impossibl.postgres.api.jdbc.PGNotificationListener;
import com.impossibl.postgres.jdbc.PGDriver;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;
import org.postgresql.PGProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens by pgjdbc-ng, whose callback runs as soon as the server sends something. No thread waits.
 */
final class PgNgListener implements Listener {
  private static final Logger LOG = LoggerFactory.getLogger(PgNgListener.class);
  private static final PGDriver DRIVER = new PGDriver();

  /** What loading the driver may take on a busy machine, which the first connection waits for. */
  private static final Duration LOADING = Duration.ofSeconds(60);

  /** Whether a connection was opened, so that the driver is loaded. */
  private static volatile boolean loaded;

  private final PGConnection connection;
  private final NotificationCallback notifications;
  private final ListenSettings settings;
  private final Backend backend;
  private final PendingAnswer answer = new PendingAnswer();

  private PgNgListener(
      PGConnection connection,
      NotificationCallback notifications,
      ListenSettings settings,
      Backend backend) {
    this.connection = connection;
    this.notifications = notifications;
    this.settings = settings;
    this.backend = backend;
  }

  /** Tries the servers of the URL in turn; a standby refuses to LISTEN. */
  static PgNgListener open(
      ListenSettings settings, Callback callback, @Nullable Backend predecessor)
      throws SQLException, InterruptedException {
    Properties parsed = Driver.parseURL(settings.jdbcUrl(), null);
    if (parsed == null) {
      throw new SQLException("Not a PostgreSQL URL: " + settings, "08001");
    }
    SQLException failure = null;
    for (String url : urls(parsed)) {
      try {
        return openInTime(url, properties(parsed, settings), settings, callback, predecessor);
      } catch (SQLException e) {
        if (failure != null) {
          e.addSuppressed(failure);
        }
        failure = e;
      }
    }
    throw failure != null ? failure : new SQLException("The URL names no server", "08001");
  }

  /**
   * The driver itself waits up to two minutes for a server that accepts the connection and then
   * says nothing. Such a connection is left to its thread, which closes it.
   */
  private static PgNgListener openInTime(
      String url,
      Properties properties,
      ListenSettings settings,
      Callback callback,
      @Nullable Backend predecessor)
      throws SQLException, InterruptedException {
    var opening =
        new FutureTask<PgNgListener>(() -> open(url, properties, settings, callback, predecessor));
    var late = new AtomicBoolean();
    Thread.ofVirtual()
        .name("listener-opens")
        .start(
            () -> {
              opening.run();
              if (!late.compareAndSet(false, true)) {
                closeLate(opening);
              }
            });
    Duration longest = loaded ? settings.connectTimeout() : LOADING;
    try {
      return opening.get(longest.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      if (late.compareAndSet(false, true)) {
        throw new SQLException("no connection within " + longest.toMillis() + " ms", "08001", e);
      }
      return result(opening);
    } catch (InterruptedException e) {
      if (!late.compareAndSet(false, true)) {
        closeLate(opening);
      }
      throw e;
    } catch (ExecutionException e) {
      throw failure(e);
    }
  }

  private static PgNgListener result(FutureTask<PgNgListener> opened)
      throws SQLException, InterruptedException {
    try {
      return opened.get();
    } catch (ExecutionException e) {
      throw failure(e);
    }
  }

  private static SQLException failure(ExecutionException e) {
    return e.getCause() instanceof SQLException cause
        ? cause
        : new SQLException(String.valueOf(e.getCause()), "08001", e);
  }

  private static void closeLate(FutureTask<PgNgListener> opened) {
    try {
      opened.resultNow().close();
    } catch (IllegalStateException e) {
      LOG.debug("A connection that came too late failed, too", e);
    }
  }

  private static PgNgListener open(
      String url,
      Properties properties,
      ListenSettings settings,
      Callback callback,
      @Nullable Backend predecessor)
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
        if (predecessor != null) {
          predecessor.end(connection);
        }
        Backend backend = Backend.of(connection);
        loaded = true;
        statement.execute("listen " + CHANNEL);
        return new PgNgListener(connection, notifications, settings, backend);
      }
    } catch (SQLException e) {
      notifications.closed = true;
      connection.close();
      throw e;
    }
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
    properties.setProperty(
        "password", named(parsed, PGProperty.PASSWORD, settings.password().get()));
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
    boolean valid; // the driver knows whole seconds only
    try {
      valid =
          answer.to(() -> connection.isValid((int) Math.max(1, settings.timeout().toSeconds())));
    } catch (SQLException e) {
      valid = false;
    }
    if (!valid) {
      notifications.silent(noAnswerWithin(settings.timeout()));
    }
  }

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
        callback.lost("the connection is closed", false);
      }
    }

    void silent(String reason) {
      if (!closed) {
        callback.lost(reason, true);
      }
    }
  }
}

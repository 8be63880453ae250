package com.gptdesk.chat;

import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.Login;
import com.gptdesk.chat.database.Migrations;
import com.gptdesk.chat.database.Migrations.Platform;
import com.gptdesk.chat.database.Secrets;
import com.gptdesk.chat.database.ServiceLogin;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The running chat: every station, wired to the next. */
final class Service implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Service.class);
  private static final int STARTING_FAILED_AFTER_MILLIS = 10_000;

  /** What to close, the last one opened first. */
  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  private Service() {}

  /**
   * Starts everything, or nothing.
   *
   * @param port null for the port of the settings
   */
  static Service start(
      Config config, @Nullable Platform platform, boolean demo, @Nullable Integer port)
      throws IOException {
    Service service = new Service();
    try {
      service.wire(config, platform, demo, port == null ? config.port() : port);
      return service;
    } catch (IOException | RuntimeException e) {
      service.close();
      throw e;
    }
  }

  private void wire(Config config, @Nullable Platform platform, boolean demo, int port)
      throws IOException {
    if (demo && !config.embedded()) {
      throw new IllegalStateException(
          "--demo gives everybody a token, so it runs on the embedded PostgreSQL alone: unset CHAT_DATABASE_URL.");
    }
    Database database = opened(Database.open(config));
    bringUpToDate(database, config, platform, demo);
    ServiceLogin.verify(database.service());
    ChatDatabase chat = new ChatDatabase(opened(pool(database.service(), config.poolSize())));
    String secret = tokenSecret(config, demo);
    LOG.info("Ready on port {} {} {}", port, chat, secret.length());
  }

  private static void bringUpToDate(
      Database database, Config config, @Nullable Platform platform, boolean demo)
      throws IOException {
    Login owner = database.owner();
    Migrations migrations = Migrations.of(database.ownerOrService(), platform);
    if (owner == null) {
      List<String> differences = migrations.differences();
      if (!differences.isEmpty()) {
        throw new IllegalStateException(
            "The database is not where this version needs it; run the command migrate as its owner.\n"
                + String.join("\n", differences));
      }
      return;
    }
    int applied = migrations.migrate();
    if (applied > 0) {
      LOG.info("Applied {} migrations", applied);
    }
    migrations.write(config.maxMessageLength(), config.typingTimeout());
    database.admitService();
    if (demo) {
      seed(owner);
    }
  }

  /** The demo's people, added when they are not there. */
  private static void seed(Login owner) throws IOException {
    try (InputStream script = Service.class.getResourceAsStream("/db/demo.sql")) {
      if (script == null) {
        throw new IllegalStateException("db/demo.sql is not on the class path");
      }
      String sql = new String(script.readAllBytes(), StandardCharsets.UTF_8);
      try (Connection connection = owner.connect();
          Statement statement = connection.createStatement()) {
        connection.setAutoCommit(false);
        statement.execute(sql);
        connection.commit();
      } catch (SQLException e) {
        throw new IllegalStateException("Could not add the people of the demo", e);
      }
    }
  }

  private static HikariDataSource pool(Login login, int size) {
    HikariConfig settings = new HikariConfig();
    settings.setPoolName("requests");
    settings.setDataSource(login.dataSource());
    settings.setMaximumPoolSize(size);
    settings.setConnectionTimeout(STARTING_FAILED_AFTER_MILLIS);
    return new HikariDataSource(settings);
  }

  private static String tokenSecret(Config config, boolean demo) throws IOException {
    if (config.jwtSecret() != null) {
      return config.jwtSecret();
    }
    if (demo) {
      return Secrets.keptIn(config.dataDirectory().resolve("jwt-secret"));
    }
    throw new IllegalStateException(
        "Set CHAT_JWT_SECRET or CHAT_JWKS_URL, so that tokens can be checked; or try --demo.");
  }

  private <T extends AutoCloseable> T opened(T resource) {
    open.push(resource);
    return resource;
  }

  /** Stops what was started, the last first: no new requests, then the relay, then the database. */
  @Override
  public void close() {
    while (!open.isEmpty()) {
      AutoCloseable resource = open.pop();
      try {
        resource.close();
      } catch (Exception e) {
        LOG.warn("{} did not stop cleanly", resource.getClass().getSimpleName(), e);
      }
    }
  }
}

package com.gptdesk.chat.database;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.callback.BaseCallback;
import org.flywaydb.core.api.callback.Context;
import org.flywaydb.core.api.callback.Event;
import org.flywaydb.core.api.output.ValidateOutput;
import org.flywaydb.core.api.output.ValidateResult;
import org.flywaydb.core.internal.info.MigrationInfoDumper;
import org.flywaydb.database.postgresql.PostgreSQLConfigurationExtension;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a database to where {@code db/} says it should be, or tells how far it is from there.
 *
 * <p>All that is pending goes through in one transaction or not at all. It gives up after a few
 * tries rather than queue the chat behind a lock. The history is {@code chat.flyway_history}.
 */
public final class Migrations {

  /** Whether the database already has GPT Desk's roles, teams and users. */
  public enum Platform {
    /** It has not: {@code db/platform} makes them. */
    STANDALONE,
    /** It has, as on Supabase: {@code db/platform} is left out. */
    EXISTING;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final Logger LOG = LoggerFactory.getLogger(Migrations.class);
  private static final String LOCK_NOT_AVAILABLE = "55P03";
  private static final int TRIES = 5;

  private final DataSource owner;
  private final Platform platform;
  private final Flyway flyway;

  /** The migrations in the jar, run as this owner. */
  public Migrations(Login owner, Platform platform) {
    this(owner, platform, "classpath:db");
  }

  /**
   * @param folder where {@code platform}, {@code tables} and {@code logic} lie, in Flyway's words:
   *     {@code classpath:db} or {@code filesystem:/some/where}
   */
  public Migrations(Login owner, Platform platform, String folder) {
    this.owner = owner.dataSource();
    this.platform = platform;
    List<String> locations = new ArrayList<>(List.of(folder + "/tables", folder + "/logic"));
    if (platform == Platform.STANDALONE) {
      locations.addFirst(folder + "/platform");
    }
    var configuration =
        Flyway.configure()
            .dataSource(this.owner)
            .locations(locations.toArray(String[]::new))
            .defaultSchema("chat")
            .table("flyway_history")
            .placeholders(Map.of("platform", platform.toString()))
            .group(true)
            .validateMigrationNaming(true)
            .cleanDisabled(true)
            .callbacks(new Patience());
    // Its own lock for the session: one held in a transaction makes CREATE INDEX CONCURRENTLY hang.
    configuration
        .getConfigurationExtension(PostgreSQLConfigurationExtension.class)
        .setTransactionalLock(false);
    this.flyway = configuration.load();
  }

  /**
   * Applies what is pending.
   *
   * @return how many migrations that was
   * @throws FlywayException one of them failed, and nothing was changed
   * @throws IllegalStateException the database was made for the other platform
   */
  public int migrate() {
    requireSamePlatform();
    for (int attempt = 1; ; attempt++) {
      try {
        return flyway.migrate().migrationsExecuted;
      } catch (FlywayException e) {
        if (attempt == TRIES || !isLockTimeout(e)) {
          throw e;
        }
        LOG.warn("A table was locked for too long; trying the migration again ({})", attempt);
        pause(Duration.ofSeconds(attempt));
      }
    }
  }

  /** A table of the migrations: version, description, when applied, state. */
  public String info() {
    return MigrationInfoDumper.dumpToAsciiTable(flyway.info().all());
  }

  /** What has not been applied yet, by file name. */
  public List<String> pending() {
    return Arrays.stream(flyway.info().pending()).map(MigrationInfo::getScript).toList();
  }

  /**
   * What differs between the database and {@code db/}: what is pending, missing, or was changed
   * after it was applied. Empty when all is well.
   *
   * @throws IllegalStateException the database was made for the other platform
   */
  public List<String> differences() {
    requireSamePlatform();
    ValidateResult result = flyway.validateWithResult();
    List<String> differences = new ArrayList<>();
    if (!result.validationSuccessful) {
      for (ValidateOutput output : result.invalidMigrations) {
        differences.add(output.errorDetails.errorMessage.lines().findFirst().orElse("").strip());
      }
      if (differences.isEmpty()) {
        differences.add(result.errorDetails.errorMessage.strip());
      }
    }
    return differences;
  }

  private void requireSamePlatform() {
    try (Connection connection = owner.getConnection();
        Statement statement = connection.createStatement()) {
      try (ResultSet known =
          statement.executeQuery("select to_regclass('chat.settings') is not null")) {
        known.next();
        if (!known.getBoolean(1)) {
          return;
        }
      }
      try (ResultSet recorded = statement.executeQuery("select platform from chat.settings")) {
        if (recorded.next() && !platform.toString().equals(recorded.getString(1))) {
          throw new IllegalStateException(
              "This database was migrated with --platform %s, so it cannot be treated as %s."
                  .formatted(recorded.getString(1), platform));
        }
      }
    } catch (SQLException e) {
      throw new DatabaseUnavailable("Could not ask the database for its platform", e);
    }
  }

  private static boolean isLockTimeout(Throwable thrown) {
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql && LOCK_NOT_AVAILABLE.equals(sql.getSQLState())) {
        return true;
      }
    }
    return false;
  }

  private static void pause(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while waiting for a lock", e);
    }
  }

  /** A migration waits for a lock only briefly, since everybody else queues behind it. */
  private static final class Patience extends BaseCallback {
    @Override
    public boolean supports(Event event, Context context) {
      return event == Event.AFTER_CONNECT;
    }

    @Override
    public void handle(Event event, Context context) {
      try (Statement statement = context.getConnection().createStatement()) {
        statement.execute(
            "set client_min_messages = warning; set lock_timeout = '5s'; set statement_timeout = '15min'");
      } catch (SQLException e) {
        throw new FlywayException("Could not set the limits of the migration's session", e);
      }
    }
  }
}

package com.gptdesk.chat.database.migration;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.database.connection.Login;
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
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationState;
import org.flywaydb.core.api.callback.BaseCallback;
import org.flywaydb.core.api.callback.Context;
import org.flywaydb.core.api.callback.Event;
import org.flywaydb.core.api.output.ValidateOutput;
import org.flywaydb.core.api.output.ValidateResult;
import org.flywaydb.core.internal.info.MigrationInfoDumper;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a database to where {@code db/} says it should be, or tells how far it is from there.
 *
 * <p>All that is pending goes through in one transaction or not at all. Beside a chat that is in
 * use, that transaction first locks the chat's tables ({@link TableLocks}), so that it meets nobody
 * half way. No wait of its own lasts as long as {@code deadlock_timeout}: when it stands in
 * somebody's way, it is the migration that steps back and tries again. What the database lacks for
 * it is asked first ({@code db/preconditions.sql}), so that a DBA hears of everything at once. The
 * history is {@code chat.flyway_history}.
 */
public final class Migrations {

  private static final Logger LOG = LoggerFactory.getLogger(Migrations.class);
  private static final String INSUFFICIENT_PRIVILEGE = "42501";
  private static final String PLATFORM = "select platform from chat.settings";
  private static final String HISTORY =
      "select pg_catalog.string_agg(h::text, ' ' order by h.installed_rank) from chat.flyway_history h";
  private static final String PLATFORM_BY_HISTORY =
      "select count(*) > 0 from chat.flyway_history where script like 'V001\\_\\_%'";

  /** How long it goes on trying beside others who hold what it needs. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Others who wait for the same table wait no longer than that for ours to be granted. */
  private static final Duration LOCK_TIMEOUT = Duration.ofMillis(500);

  private static final Duration PAUSE = Duration.ofMillis(200);

  /**
   * Files of earlier versions, by their path in their location. Files of other names make what they
   * made, or nothing is left to do; the history of an older database still names them. No other
   * file may be missing.
   */
  private static final Set<String> FORMER_FILES =
      Set.of(
          "feed/R__70_bell.sql",
          "R__1_people.sql",
          "R__2_conversations.sql",
          "R__3_messages.sql",
          "R__4_presence.sql",
          "R__5_reactions.sql",
          "R__6_preferences.sql",
          "R__7_change_log.sql",
          "R__7_topics.sql",
          "R__8_compliance.sql",
          "R__8_operators.sql",
          "R__9_door.sql",
          "R__9_health.sql",
          "R__9_publication.sql",
          "R__9_sessions.sql",
          "V170__functions_anew.sql");

  private final MigrationLogin login;
  private final Platform platform;
  private final String folder;
  private final Duration patience;
  private final Flyway flyway;

  /** Passes over migrations that the history has and the files have not. */
  private final Flyway flywayOfFormerFiles;

  private Accepted accepted = Accepted.NOTHING;
  private List<String> served = List.of();

  /** The last comparison; null before the first, and after one without a history. */
  private volatile @Nullable Comparison compared;

  /** What differed, while the history was this. */
  private record Comparison(String history, List<String> differences) {}

  /** When the attempts that are under way end, as {@link System#nanoTime()} counts. */
  private final AtomicLong deadline = new AtomicLong();

  /**
   * The migrations in the jar.
   *
   * @param login the owner, or for looking alone the runtime login
   * @param wanted null for the platform that the database was made for, {@link Platform#STANDALONE}
   *     when it is still empty
   * @return what can be asked and applied
   * @throws IllegalStateException the database was made for the other platform
   */
  public static Migrations of(Login login, @Nullable Platform wanted) {
    return new Migrations(login, wanted, "classpath:db");
  }

  /**
   * Brings the database behind a team's own connections to where this version needs it; does
   * nothing when it is there.
   *
   * @param owner connections of who owns the chat's tables; what a migration sets for its session
   *     is put back before one is given back
   * @param wanted {@link Platform#EXISTING} beside GPT Desk's own tables or on Supabase; null for
   *     the platform that the database was made for, {@link Platform#STANDALONE} when it is empty
   * @return how many migrations were applied
   * @throws IllegalStateException the database was made for the other platform, or lacks something
   *     that the message names; nothing was changed
   * @throws FlywayException one of them failed, and nothing was changed
   */
  public static int migrate(DataSource owner, @Nullable Platform wanted) {
    return of(owner, wanted).migrate();
  }

  /**
   * The migrations in the jar, by a team's own connections.
   *
   * @param owner connections of who owns the chat's tables
   * @param wanted as for {@link #migrate(DataSource, Platform)}
   * @return what can be asked and applied
   * @throws IllegalStateException the database was made for the other platform
   */
  public static Migrations of(DataSource owner, @Nullable Platform wanted) {
    return new Migrations(MigrationLogin.borrowed(owner), wanted, "classpath:db", PATIENCE);
  }

  /**
   * As {@link #of(Login, Platform)}.
   *
   * @param login the owner
   * @param wanted null for the platform that the database was made for
   * @param folder where {@code platform}, {@code tables} and {@code logic} lie, in Flyway's words:
   *     {@code classpath:db} or {@code filesystem:/some/where}
   */
  public Migrations(Login login, @Nullable Platform wanted, String folder) {
    this(MigrationLogin.of(login), wanted, folder, PATIENCE);
  }

  /**
   * As {@link #of(Login, Platform)}.
   *
   * @param patience how long it goes on trying beside others who hold what it needs
   */
  Migrations(Login login, @Nullable Platform wanted, String folder, Duration patience) {
    this(MigrationLogin.of(login), wanted, folder, patience);
  }

  private Migrations(
      MigrationLogin login, @Nullable Platform wanted, String folder, Duration patience) {
    this.login = login;
    this.folder = folder;
    this.patience = patience;
    this.platform = platform(wanted);
    List<String> locations = new ArrayList<>(List.of(folder + "/tables", folder + "/logic"));
    if (platform == Platform.STANDALONE) {
      locations.addFirst(folder + "/platform");
    }
    var configuration =
        Flyway.configure()
            .dataSource(login.dataSource())
            .locations(locations.toArray(String[]::new))
            .defaultSchema("chat")
            .table("flyway_history")
            .placeholders(Map.of("platform", platform.toString()))
            .group(true)
            .validateMigrationNaming(true)
            .cleanDisabled(true)
            .callbacks(new Session(deadline))
            // Its own lock for the session: one held in a transaction makes CREATE INDEX
            // CONCURRENTLY hang. By name, since its class differs from one Flyway to the next.
            .configuration(Map.of("flyway.postgresql.transactional.lock", "false"));
    this.flyway = configuration.load();
    this.flywayOfFormerFiles =
        configuration.ignoreMigrationPatterns("*:future", "*:missing").load();
  }

  /**
   * Names what a DBA did on purpose; asked before anything else.
   *
   * @param accepted what is neither unsafe nor a difference
   * @return this
   */
  public Migrations accepting(Accepted accepted) {
    this.accepted = accepted;
    return this;
  }

  /**
   * Knows what clients are served beside the chat's own, so that it is no surprise, and a name that
   * no function has is told ({@link #preconditions}).
   *
   * @param names names of functions of schema {@code public}; a star stands for any letters
   * @return the same
   */
  public Migrations serving(List<String> names) {
    this.served = List.copyOf(names);
    return this;
  }

  /**
   * What the database was made for, or will be.
   *
   * @return the platform
   */
  public Platform platform() {
    return platform;
  }

  /**
   * Applies what is pending.
   *
   * @return how many migrations that was
   * @throws IllegalStateException the database lacks something, which the message names with what
   *     to do; nothing was changed
   * @throws FlywayException one of them failed, and nothing was changed
   */
  public int migrate() {
    if (!pending().isEmpty()) {
      demandPreconditions();
    }
    List<String> former = formerFiles();
    Flyway applying = former.isEmpty() ? flyway : flywayOfFormerFiles;
    deadline.set(System.nanoTime() + patience.toNanos());
    while (true) {
      try {
        int applied = applying.migrate().migrationsExecuted;
        repairHistory(former);
        new UncheckedRows(login).validate();
        new SearchIndex(login, patience).complete();
        return applied;
      } catch (FlywayException e) {
        if (!isWorthARetry(e)) {
          throw e;
        }
        if (System.nanoTime() - deadline.get() > 0) {
          LOG.debug("The last try", e);
          throw new IllegalStateException(
              "Gave up after %d ms: others hold a table that the migration needs. Nothing was changed. pg_blocking_pids() and pg_stat_activity tell who; try again when they have ended.%n%s"
                  .formatted(patience.toMillis(), e.getMessage()));
        }
        LOG.warn("Others hold a table that the migration needs; trying again");
        pause(PAUSE);
      }
    }
  }

  /** Which files of earlier versions the history names; empty when it names unknown ones, too. */
  private List<String> formerFiles() {
    List<String> missing =
        Arrays.stream(flyway.info().all())
            .filter(migration -> migration.getState() == MigrationState.MISSING_SUCCESS)
            .map(MigrationInfo::getScript)
            .toList();
    return FORMER_FILES.containsAll(missing) ? missing : List.of();
  }

  /**
   * After the files of today were applied, which also found every checksum as it is in the files.
   */
  private void repairHistory(List<String> former) {
    if (!former.isEmpty()) {
      flyway.repair();
      LOG.info(
          "Repaired the history of migrations: of an earlier version, and deleted today: {}",
          String.join(", ", former));
    }
  }

  private void demandPreconditions() {
    List<Precondition> unmet = preconditions();
    unmet.stream()
        .filter(precondition -> !precondition.stops())
        .forEach(warning -> LOG.warn("{}", warning));
    List<String> missing =
        unmet.stream().filter(Precondition::stops).map(Precondition::toString).toList();
    if (!missing.isEmpty()) {
      throw new IllegalStateException(
          "Nothing was changed. For --platform %s this is missing in %s:%n%s"
              .formatted(platform, login, String.join(System.lineSeparator(), missing)));
    }
  }

  /**
   * What the database lacks for the next migration, by the role that migrated it, or by this login
   * when nobody has.
   *
   * @return what is missing, and warnings; empty when all is well
   */
  public List<Precondition> preconditions() {
    return Precondition.unmet(login, platform, served, folder).stream()
        .filter(
            precondition ->
                precondition.kind() == Precondition.Kind.MISSING
                    || !accepted.covers(precondition.what()))
        .toList();
  }

  /**
   * Where the database is otherwise than the migrations in the jar made it: what was dropped, added
   * or changed by hand, or was never restored. Of one that is behind, it tells nothing.
   *
   * @return a cause each; empty when all is as it should be
   * @throws DatabaseUnavailable the database could not be asked
   */
  public List<Drift> drift() {
    return Manifest.built(platform).drift(Manifest.of(login, platform), accepted);
  }

  /**
   * Which platform and server this is.
   *
   * @return one line
   */
  public String summary() {
    int pending = pending().size();
    try (Connection connection = login.connect()) {
      return "%s: PostgreSQL %s, platform %s, %s."
          .formatted(
              login,
              connection.getMetaData().getDatabaseProductVersion(),
              platform,
              pending == 0 ? "nothing pending" : pending + " pending");
    } catch (SQLException e) {
      throw new DatabaseUnavailable("Could not ask the database what it is, as " + login, e);
    }
  }

  /**
   * Which migrations there are.
   *
   * @return a table as text: version, description, when applied, state
   */
  public String info() {
    return MigrationInfoDumper.dumpToAsciiTable(flyway.info().all());
  }

  /**
   * What has not been applied yet.
   *
   * @return file names, in the order in which they will be applied
   */
  public List<String> pending() {
    return Arrays.stream(flyway.info().pending()).map(MigrationInfo::getScript).toList();
  }

  /**
   * What differs between the database and {@code db/}: what is pending, missing, or was changed
   * after it was applied. This object reads the files once for each state of the history: when they
   * have changed, make another.
   *
   * @return a sentence each; empty when all is well
   */
  public List<String> differences() {
    String history = history();
    Comparison last = compared;
    if (last != null && last.history().equals(history)) {
      return last.differences();
    }
    List<String> differences = compare();
    compared = history == null ? null : new Comparison(history, differences);
    return differences;
  }

  /** As one text; null where it cannot be read, which Flyway explains. */
  private @Nullable String history() {
    try (Connection connection = login.connect();
        Statement statement = connection.createStatement()) {
      statement.execute("set lock_timeout = '%dms'".formatted(LOCK_TIMEOUT.toMillis()));
      try (ResultSet history = statement.executeQuery(HISTORY)) {
        history.next();
        return history.getString(1);
      }
    } catch (SQLException e) {
      LOG.debug("No history of migrations could be read", e);
      return null;
    }
  }

  private List<String> compare() {
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
    return List.copyOf(differences);
  }

  private Platform platform(@Nullable Platform wanted) {
    Platform recorded = recordedPlatform();
    if (recorded != null && wanted != null && recorded != wanted) {
      throw new IllegalStateException(
          "This database was migrated with --platform %s and cannot become %s."
              .formatted(recorded, wanted));
    }
    return recorded != null ? recorded : wanted != null ? wanted : Platform.STANDALONE;
  }

  private @Nullable Platform recordedPlatform() {
    try (Connection connection = login.connect();
        Statement statement = connection.createStatement()) {
      try (ResultSet made =
          statement.executeQuery(
              """
              select count(*) = 2
              from pg_catalog.pg_class c
              join pg_catalog.pg_namespace n on n.oid = c.relnamespace
              where n.nspname = 'chat'
                and c.relname in ('settings', 'flyway_history')
              """)) {
        made.next();
        if (!made.getBoolean(1)) {
          return null;
        }
      }
      try (ResultSet recorded = statement.executeQuery(PLATFORM)) {
        return recorded.next()
            ? Platform.valueOf(recorded.getString(1).toUpperCase(Locale.ROOT))
            : null;
      } catch (SQLException e) {
        if (!INSUFFICIENT_PRIVILEGE.equals(e.getSQLState())) {
          throw e;
        }
        // Whose table that is now is for the drift to tell; the history knows it, too.
        try (ResultSet applied = statement.executeQuery(PLATFORM_BY_HISTORY)) {
          applied.next();
          return applied.getBoolean(1) ? Platform.STANDALONE : Platform.EXISTING;
        }
      }
    } catch (SQLException e) {
      throw new DatabaseUnavailable("Could not ask the database for its platform, as " + login, e);
    }
  }

  /**
   * A lock that others held for too long, a deadlock with them, or a row of the catalogue that
   * somebody else was changing: an index by hand, the relay that empties its log.
   */
  private static boolean isWorthARetry(Throwable thrown) {
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql && sql.getSQLState() != null) {
        return switch (sql.getSQLState()) {
          case "55P03", "40P01" -> true;
          case "XX000" -> String.valueOf(sql.getMessage()).contains("tuple concurrently");
          default -> false;
        };
      }
    }
    return false;
  }

  static void pause(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while waiting for a lock", e);
    }
  }

  /**
   * What holds for the session of a migration, and what its transaction begins with: the locks in
   * the order of a send, and a path on which a name means PostgreSQL's own.
   */
  private static final class Session extends BaseCallback {

    /** By name: older versions of Flyway have none. */
    private static final String AFTER_CONNECT = "afterConnect";

    private final AtomicLong deadline;
    private boolean locked;

    Session(AtomicLong deadline) {
      this.deadline = deadline;
    }

    @Override
    public boolean supports(Event event, Context context) {
      return event == Event.BEFORE_MIGRATE
          || event == Event.BEFORE_EACH_MIGRATE
          || AFTER_CONNECT.equals(event.getId());
    }

    @Override
    public void handle(Event event, Context context) {
      try {
        if (event == Event.BEFORE_EACH_MIGRATE) {
          lockOnce(context.getConnection());
          // Flyway's own path has public in it, where others may be able to create.
          try (Statement statement = context.getConnection().createStatement()) {
            statement.execute("set search_path = pg_catalog, pg_temp");
          }
          return;
        }
        locked = false;
        try (Statement statement = context.getConnection().createStatement()) {
          statement.execute(
              "set client_min_messages = warning; set lock_timeout = '%dms'; set statement_timeout = '15min'"
                  .formatted(LOCK_TIMEOUT.toMillis()));
        }
      } catch (SQLException e) {
        throw new FlywayException("Could not lock the chat's tables: " + e.getMessage(), e);
      }
    }

    /** Not where there is no transaction, as for an index that is made concurrently. */
    private void lockOnce(Connection connection) throws SQLException {
      if (!locked && !connection.getAutoCommit()) {
        TableLocks.take(connection, Duration.ofNanos(deadline.get() - System.nanoTime()));
        locked = true;
      }
    }
  }
}

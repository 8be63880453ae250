package com.gptdesk.chat.database.embedded;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.FreePort;
import java.io.IOException;
import java.net.URI;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A streaming replica of an embedded PostgreSQL: a copy of its files made while it runs, as
 * pg_basebackup makes it, which the embedded binaries do not have.
 */
public final class Standby implements AutoCloseable {

  private final EmbeddedDatabase primary;
  private final Path directory;
  private final Path files;
  private final PostgresServer server;
  private int port;

  public Standby(EmbeddedDatabase primary) throws IOException, SQLException {
    this.primary = primary;
    directory = Files.createTempDirectory("gptdesk-chat-standby-");
    files = directory.resolve("postgresql");
    server =
        new PostgresServer(PostgresBinaries.unpack(), files, directory.resolve("postgresql.log"));
    try (Connection connection = primary.superuser().connect();
        Statement statement = connection.createStatement()) {
      statement.execute("select pg_backup_start('standby', true)");
      copy(primary.directory().resolve("postgresql"));
      try (ResultSet row = statement.executeQuery("select labelfile from pg_backup_stop(false)")) {
        row.next();
        Files.writeString(files.resolve("backup_label"), row.getString(1));
      }
    }
    port = FreePort.any(); // nobody else's while it is killed
    Files.createFile(files.resolve("standby.signal"));
    Login superuser = primary.superuser();
    URI address = URI.create(superuser.url().substring("jdbc:".length()));
    Files.writeString(
        files.resolve("postgresql.auto.conf"),
        "primary_conninfo = 'host=127.0.0.1 port=%d user=%s password=%s'\nwal_retrieve_retry_interval = '100ms'\n"
            .formatted(address.getPort(), superuser.user(), superuser.password()),
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
    start();
  }

  /** Starts it, at the port of last time; returns when it can be read. */
  public void start() throws IOException {
    server.stopLeftover();
    int before = port;
    port =
        server.start(
            port,
            Map.of(
                "listen_addresses", "127.0.0.1",
                "unix_socket_directories", "",
                "max_connections", "200",
                "timezone", "UTC"));
    if (before != 0 && before != port) {
      throw new IllegalStateException("Somebody took the port meanwhile: " + before);
    }
  }

  /** All its processes at once, without a word to anybody. */
  public void kill() throws IOException {
    Path note = files.resolve("postmaster.pid");
    long pid = Long.parseLong(Files.readAllLines(note).getFirst().strip());
    ProcessHandle process = ProcessHandle.of(pid).orElseThrow();
    List<ProcessHandle> all = Stream.concat(Stream.of(process), process.descendants()).toList();
    all.forEach(ProcessHandle::destroyForcibly);
    Await.until("the replica to be gone", () -> all.stream().noneMatch(ProcessHandle::isAlive));
  }

  /** Stops replaying what arrives. */
  public void pause() {
    run("select pg_wal_replay_pause()");
    Await.until(
        "the replay to pause",
        () -> read("select pg_get_wal_replay_pause_state()").equals("paused"));
  }

  public void resume() {
    run("select pg_wal_replay_resume()");
  }

  /** As whom the service enters. */
  public Login service() {
    return here(primary.service());
  }

  /** The first column of the first row, past all policies. */
  public String read(String query) {
    Login login = here(primary.at(primary.superuser(), "chat"));
    try (Connection connection = login.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(query)) {
      row.next();
      return String.valueOf(row.getString(1));
    } catch (SQLException e) {
      throw new IllegalStateException(query, e);
    }
  }

  private void run(String sql) {
    read(sql);
  }

  private Login here(Login login) {
    return new Login(
        login.url().replaceFirst(":\\d+/", ":" + port + "/"), login.user(), login.password());
  }

  private void copy(Path source) throws IOException {
    Files.walkFileTree(
        source,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes)
              throws IOException {
            Files.createDirectory(
                files.resolve(source.relativize(path).toString()),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path path, BasicFileAttributes attributes)
              throws IOException {
            if (!path.endsWith("postmaster.pid")) {
              try {
                Files.copy(path, files.resolve(source.relativize(path).toString()));
              } catch (NoSuchFileException e) {
                return visitFileFailed(path, e);
              }
            }
            return FileVisitResult.CONTINUE;
          }

          /** Of what was dropped meanwhile, as the log that is replayed says. */
          @Override
          public FileVisitResult visitFileFailed(Path path, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE;
            }
            throw e;
          }
        });
  }

  @Override
  public void close() throws IOException {
    server.stop();
    PostgresBinaries.deleteTree(directory);
  }
}

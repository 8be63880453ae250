package com.gptdesk.chat.service.backup;

import com.gptdesk.chat.database.connection.Login;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Writes the embedded database, its secrets and the folder of files into one file, while it is in
 * use. It is a physical base backup: a copy of PostgreSQL's files between {@code pg_backup_start}
 * and {@code pg_backup_stop}, with the write-ahead log of that time. What was committed before the
 * end of the copy is in it. The files come after the database: what a row names is then there.
 */
public final class Backup {

  /** Directories whose content PostgreSQL makes anew at its start. */
  private static final Set<String> EMPTIED =
      Set.of(
          "pg_wal",
          "pg_replslot",
          "pg_dynshmem",
          "pg_notify",
          "pg_serial",
          "pg_snapshots",
          "pg_stat_tmp",
          "pg_subtrans");

  /** Files of the running server, or of somebody else's backup. */
  private static final Pattern LEFT_OUT =
      Pattern.compile(
          "postmaster\\.(pid|opts)|backup_label(\\.old)?|tablespace_map(\\.old)?|backup_manifest"
              + "|.*\\.tmp|pgsql_tmp.*|pg_internal\\.init.*");

  private static final Pattern WAL_SEGMENT = Pattern.compile("[0-9A-F]{24}");
  private static final Pattern TIMELINE = Pattern.compile("[0-9A-F]{8}\\.history");
  private static final String CONTROL = "global/pg_control";

  /** The passwords of the database's roles and the secrets of tokens, which belong to the data. */
  private static final String SECRETS = "{*.password,*jwt-secret}";

  private final Path directory;
  private final Path files;
  private final String program;

  /**
   * Of one data directory.
   *
   * @param directory of the embedded database
   * @param files the folder of files
   * @param program the version of the service
   */
  public Backup(Path directory, Path files, String program) {
    this.directory = directory;
    this.files = files;
    this.program = program;
  }

  /**
   * Writes all of it; the file is complete or not there.
   *
   * @param target the file, which must not exist
   * @param superuser of the running database
   * @return what was written, in a sentence
   * @throws IllegalStateException the file exists, lies within the data, or the database has
   *     tablespaces
   * @throws SQLException the database refuses, or has ended meanwhile
   */
  public String write(Path target, Login superuser) throws IOException, SQLException {
    Path file = target.toAbsolutePath().normalize();
    demandFree(file);
    Path folder = file.getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new IllegalStateException("There is no directory " + folder + " for the backup.");
    }
    // Readable by its owner alone.
    Path unfinished = Files.createTempFile(folder, file.getFileName() + ".", ".unfinished");
    try (ArchiveWriter archive = new ArchiveWriter(unfinished)) {
      database(archive, superuser);
      int stored = files(archive, files);
      int others = archive.files() - stored;
      long content = archive.bytes();
      archive.finish();
      ArchiveWriter.force(unfinished);
      demandFree(file);
      Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
      ArchiveWriter.force(folder);
      return "Backed up %d files of the database and %d of people, %s, to %s (%s)."
          .formatted(others, stored, mib(content), file, mib(Files.size(file)));
    } finally {
      Files.deleteIfExists(unfinished);
    }
  }

  private static String mib(long bytes) {
    return "%.1f MiB".formatted(bytes / (double) (1 << 20));
  }

  /** By real names: a folder may be a symbolic link to another disk. */
  private static boolean isWithin(Path folder, Path data) throws IOException {
    return Files.exists(folder)
        && Files.exists(data)
        && folder.toRealPath().startsWith(data.toRealPath());
  }

  private void demandFree(Path file) throws IOException {
    if (Files.exists(file)) {
      throw new IllegalStateException(file + " is there already: name another file.");
    }
    Path folder = file.getParent();
    if (folder != null && (isWithin(folder, directory) || isWithin(folder, files))) {
      throw new IllegalStateException(
          file + " lies within the data that is backed up: name a file outside, on another disk.");
    }
  }

  private void database(ArchiveWriter archive, Login superuser) throws IOException, SQLException {
    Path server = directory.resolve("postgresql").toRealPath();
    try (Connection connection = superuser.connect();
        Statement statement = connection.createStatement()) {
      if (!"0"
          .equals(
              read(
                  statement,
                  "select count(*) from pg_tablespace where spcname not in ('pg_default', 'pg_global')"))) {
        throw new IllegalStateException(
            "The database has tablespaces, whose files lie elsewhere: back it up with pg_basebackup (docs/backup.md).");
      }
      archive.text(
          Description.NAME,
          new Description(
                  program,
                  read(statement, "select split_part(current_setting('server_version'), ' ', 1)"),
                  Instant.now().truncatedTo(ChronoUnit.SECONDS).toString())
              .text());
      // Keeps the log of this time; goes with the connection.
      read(
          statement,
          "select slot_name from pg_create_physical_replication_slot('gptdesk_chat_backup_' || pg_backend_pid(), true, true)");
      String first =
          read(
              statement,
              "select pg_walfile_name(pg_backup_start('gptdesk-chat backup', fast => true))");
      copy(archive, server);
      String last;
      try (ResultSet stopped =
          statement.executeQuery(
              "select pg_walfile_name(lsn), labelfile from pg_backup_stop(wait_for_archive => false)")) {
        stopped.next();
        last = stopped.getString(1);
        archive.text("postgresql/backup_label", stopped.getString(2));
      }
      log(archive, server.resolve("pg_wal"), first, last);
    }
    try (DirectoryStream<Path> secrets = Files.newDirectoryStream(directory, SECRETS)) {
      for (Path secret : secrets) {
        archive.file(secret.getFileName().toString(), secret);
      }
    }
  }

  private static void copy(ArchiveWriter archive, Path server) throws IOException {
    archive.directory("postgresql");
    Files.walkFileTree(
        server,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes)
              throws IOException {
            String name = server.relativize(path).toString();
            if (path.equals(server)) {
              return FileVisitResult.CONTINUE;
            }
            if (LEFT_OUT.matcher(path.getFileName().toString()).matches()) {
              return FileVisitResult.SKIP_SUBTREE;
            }
            archive.directory("postgresql/" + name);
            return EMPTIED.contains(name) ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path path, BasicFileAttributes attributes)
              throws IOException {
            String name = server.relativize(path).toString();
            if (!name.equals(CONTROL)
                && !LEFT_OUT.matcher(path.getFileName().toString()).matches()) {
              archive.file("postgresql/" + name, path);
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path path, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE; // a table that was dropped
            }
            throw e;
          }
        });
    archive.bytes(
        "postgresql/" + CONTROL, control(server.resolve(CONTROL))); // last, as it moves on
  }

  /** The control file, which is small, so twice the same is no half of a write. */
  private static byte[] control(Path file) throws IOException {
    byte[] before = Files.readAllBytes(file);
    while (true) {
      byte[] after = Files.readAllBytes(file);
      if (Arrays.equals(before, after)) {
        return after;
      }
      before = after;
    }
  }

  /** The write-ahead log from the first to the last segment of the copy, both included. */
  private static void log(ArchiveWriter archive, Path log, String first, String last)
      throws IOException {
    Set<String> names = new TreeSet<>();
    try (DirectoryStream<Path> segments = Files.newDirectoryStream(log)) {
      for (Path segment : segments) {
        String name = segment.getFileName().toString();
        if (TIMELINE.matcher(name).matches()
            || (WAL_SEGMENT.matcher(name).matches()
                && name.compareTo(first) >= 0
                && name.compareTo(last) <= 0)) {
          names.add(name);
        }
      }
    }
    if (!names.contains(first) || !names.contains(last)) {
      throw new IOException("PostgreSQL has removed its log of the copy, from " + first);
    }
    for (String name : names) {
      archive.file("postgresql/pg_wal/" + name, log.resolve(name));
    }
  }

  /** {@return how many files there are} */
  private static int files(ArchiveWriter archive, Path named) throws IOException {
    int before = archive.files();
    archive.directory("files");
    if (!Files.isDirectory(named)) {
      return 0;
    }
    Path folder = named.toRealPath(); // the walk follows no symbolic link, not even the first
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes)
              throws IOException {
            if (!path.equals(folder)) {
              archive.directory("files/" + folder.relativize(path));
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path path, BasicFileAttributes attributes)
              throws IOException {
            if (attributes.isRegularFile()) {
              archive.file("files/" + folder.relativize(path), path);
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path path, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE; // removed, or moved from the incoming ones
            }
            throw e;
          }
        });
    return archive.files() - before;
  }

  private static String read(Statement statement, String query) throws SQLException {
    try (ResultSet row = statement.executeQuery(query)) {
      row.next();
      return row.getString(1);
    }
  }
}

package com.gptdesk.chat.service.upgrade;

import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.database.migration.Accepted;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Platform;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Copies the embedded database to the major version of PostgreSQL that the service includes. The
 * programs of neither version can convert files, so a new database is made by the same migrations,
 * and the rows are copied. A copy of the old files is migrated and read; the old files themselves
 * stay as they are.
 */
public final class Upgrade {

  private static final long ROOM = 256L << 20;

  private final Path directory;
  private final @Nullable Path programs;
  private final boolean leavesBehind;
  private final Accepted accepted;

  /**
   * Of one data directory.
   *
   * @param directory of the embedded database
   * @param programs of the older version, as for {@link EmbeddedDatabase#programs}; null to look
   *     for them
   * @param leavesBehind whether to go on when the old database has what is not copied
   * @param accepted what a DBA changed on purpose, which is no difference
   */
  public Upgrade(Path directory, @Nullable Path programs, boolean leavesBehind, Accepted accepted) {
    this.directory = directory;
    this.programs = programs;
    this.leavesBehind = leavesBehind;
    this.accepted = accepted;
  }

  /**
   * Upgrades, or says that there is nothing to do. After an interrupted run it begins anew.
   *
   * @param report hears one sentence for each step
   * @throws IllegalStateException it cannot be upgraded, for which the message has the reason; the
   *     old files are unchanged
   */
  public void run(Consumer<String> report) throws IOException, SQLException {
    int ours = EmbeddedDatabase.ownMajor();
    int theirs;
    Closeable alone = EmbeddedDatabase.reserve(directory);
    try (alone) {
      theirs = clearAway();
    }
    if (theirs == 0) {
      throw new IllegalStateException(
          "There is no database in %s: set CHAT_DATA_DIR as for the service.".formatted(directory));
    }
    if (theirs >= ours) {
      report.accept(
          theirs == ours
              ? "The database is of PostgreSQL %d already.".formatted(ours)
              : "The database is of PostgreSQL %d, which is newer than %d: nothing was changed."
                  .formatted(theirs, ours));
      return;
    }
    Path kept = directory.resolve("postgresql-" + theirs);
    if (Files.exists(kept)) {
      throw new IllegalStateException(
          "%s is in the way, perhaps of an earlier upgrade: move it away.".formatted(kept));
    }
    demandNoTablespaces();
    Path older = EmbeddedDatabase.programs(theirs, programs);
    report.accept("PostgreSQL %d is read by %s.".formatted(theirs, older));
    EmbeddedDatabase.open(directory, older).close(); // recovers what a crash left

    Closeable aloneAgain = EmbeddedDatabase.reserve(directory);
    try (aloneAgain) {
      demandRoom();
      Path apart = directory.resolve(EmbeddedDatabase.UPGRADING);
      boolean done = false;
      try {
        Files.createDirectory(apart);
        copy(apart, older, report);
        Files.move(directory.resolve("postgresql"), kept, StandardCopyOption.ATOMIC_MOVE);
        Files.move(
            apart.resolve("new").resolve("postgresql"),
            directory.resolve("postgresql"),
            StandardCopyOption.ATOMIC_MOVE);
        done = true;
      } finally {
        if (!done) {
          clearAway();
        }
      }
      deleteTree(apart);
    }
    report.accept(
        "The database is of PostgreSQL %d now. The old files are in %s: delete them when all is well."
            .formatted(ours, kept));
  }

  /**
   * Removes what an interrupted run has left.
   *
   * @return the major version of the files; 0 for none
   */
  private int clearAway() throws IOException {
    Path apart = directory.resolve(EmbeddedDatabase.UPGRADING);
    Path files = directory.resolve("postgresql");
    if (Files.exists(apart)) {
      if (!Files.exists(files)) { // it ended between two names
        try (DirectoryStream<Path> kept =
            Files.newDirectoryStream(directory, "postgresql-[1-9][0-9]")) {
          Path last = null; // those of earlier upgrades may be there as well
          for (Path old : kept) {
            last = last == null || old.compareTo(last) > 0 ? old : last;
          }
          if (last != null) {
            Files.move(last, files, StandardCopyOption.ATOMIC_MOVE);
          }
        }
      }
      deleteTree(apart);
    }
    return EmbeddedDatabase.majorOf(directory);
  }

  private void copy(Path apart, Path older, Consumer<String> report)
      throws IOException, SQLException {
    Path before = Files.createDirectory(apart.resolve("old"));
    Path after = Files.createDirectory(apart.resolve("new"));
    copyTree(directory.resolve("postgresql"), before.resolve("postgresql"));
    try (DirectoryStream<Path> secrets = Files.newDirectoryStream(directory, "*.password")) {
      for (Path secret : secrets) {
        for (Path target : List.of(before, after)) {
          Files.copy(
              secret, target.resolve(secret.getFileName()), StandardCopyOption.COPY_ATTRIBUTES);
        }
      }
    }
    try (EmbeddedDatabase old = EmbeddedDatabase.open(before, older);
        EmbeddedDatabase fresh = EmbeddedDatabase.open(after)) {
      Migrations migrations = Migrations.of(old.owner(), null).accepting(accepted);
      if (migrations.platform() != Platform.STANDALONE) {
        throw new IllegalStateException(
            "The embedded database was made for the platform existing, whose tables are not ours to make: copy it with pg_dump and pg_restore (docs/backup.md).");
      }
      report.accept("Applied %d migrations to a copy.".formatted(migrations.migrate()));
      old.admitService();
      Migrations same = Migrations.of(fresh.owner(), Platform.STANDALONE).accepting(accepted);
      same.migrate();
      fresh.admitService();
      try (Connection source = old.at(old.superuser(), "chat").connect();
          Connection target = fresh.at(fresh.superuser(), "chat").connect()) {
        TableCopy tables = new TableCopy(source, target);
        tables.makePartitions();
        demandNothingLeft(migrations, source, target, report);
        report.accept("Copied and compared %d rows.".formatted(tables.copy()));
      }
      same.migrate(); // an index that depends on the version is made anew
      List<String> differences = new ArrayList<>(same.differences());
      same.drift().forEach(cause -> differences.add(cause.toString()));
      if (!differences.isEmpty()) {
        throw new IllegalStateException(
            "The new database differs from the migrations. The old files are unchanged.\n"
                + String.join("\n", differences));
      }
    }
  }

  private void demandNothingLeft(
      Migrations migrations, Connection source, Connection target, Consumer<String> report)
      throws SQLException {
    List<String> left = new ArrayList<>(LeftBehind.between(source, target));
    migrations.drift().stream()
        .filter(cause -> !cause.isBeingMade())
        .forEach(cause -> left.add(cause.toString()));
    if (left.isEmpty()) {
      return;
    }
    String list = String.join("\n", left);
    if (!leavesBehind) {
      throw new IllegalStateException(
          "The old database has what the migrations do not make, and it would not be copied. Remove it with the earlier version, or go on with --leave-behind and make it again by hand. The old files are unchanged.\n"
              + list);
    }
    report.accept("Not copied:\n" + list);
  }

  /** Their files lie elsewhere: a copy of the directory would lead to them, and change them. */
  private void demandNoTablespaces() throws IOException {
    Path links = directory.resolve("postgresql").resolve("pg_tblspc");
    if (!Files.exists(links)) {
      return;
    }
    List<String> tablespaces = new ArrayList<>();
    try (DirectoryStream<Path> found = Files.newDirectoryStream(links)) {
      for (Path link : found) {
        tablespaces.add(
            (Files.isSymbolicLink(link) ? Files.readSymbolicLink(link) : link).toString());
      }
    }
    if (!tablespaces.isEmpty()) {
      tablespaces.sort(null);
      throw new IllegalStateException(
          "The database has tablespaces, whose files an upgrade does not copy: %s. Start the earlier version, move what is in them (alter table … set tablespace pg_default, or alter database), drop them, and run the command again. Nothing was changed."
              .formatted(String.join(", ", tablespaces)));
    }
  }

  private void demandRoom() throws IOException {
    long size;
    try (Stream<Path> files = Files.walk(directory.resolve("postgresql"))) {
      size = files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
    }
    long free = Files.getFileStore(directory).getUsableSpace();
    if (free < 2 * size + ROOM) {
      throw new IllegalStateException(
          "The disk of %s has %d MiB free, and an upgrade needs %d MiB: twice the database and 256 MiB. Nothing was changed."
              .formatted(directory, free >> 20, (2 * size + ROOM) >> 20));
    }
  }

  private static void copyTree(Path from, Path to) throws IOException {
    Files.walkFileTree(
        from,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes)
              throws IOException {
            Files.copy(path, to.resolve(from.relativize(path)), StandardCopyOption.COPY_ATTRIBUTES);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path path, BasicFileAttributes attributes)
              throws IOException {
            Files.copy(path, to.resolve(from.relativize(path)), StandardCopyOption.COPY_ATTRIBUTES);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private static void deleteTree(Path root) throws IOException {
    if (!Files.exists(root)) {
      return;
    }
    List<Path> all;
    try (Stream<Path> walk = Files.walk(root)) {
      all = walk.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : all) {
      Files.deleteIfExists(path);
    }
  }
}

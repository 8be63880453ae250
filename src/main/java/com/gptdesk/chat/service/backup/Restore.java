package com.gptdesk.chat.service.backup;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Brings a {@link Backup} back into an empty data directory. It is unpacked apart, checked, and
 * started there once, so that PostgreSQL recovers it; only then it is moved into place. When
 * anything fails, the directory is as empty as before.
 */
public final class Restore {

  /** What a data directory in use has. */
  private static final String DATA = "{postgresql*,*.password,*jwt-secret,port}";

  private final Path directory;
  private final Path files;

  /**
   * Into one data directory.
   *
   * @param directory for the embedded database; created when it is not there
   * @param files the folder for files
   */
  public Restore(Path directory, Path files) {
    this.directory = directory;
    this.files = files;
  }

  /**
   * Restores all of it.
   *
   * @param backup what the command backup has written
   * @return what is there now, in sentences
   * @throws IllegalStateException the directory is in use or not empty, or the backup is damaged or
   *     of another version; nothing was changed
   */
  public List<String> read(Path backup) throws IOException {
    if (!Files.isRegularFile(backup)) {
      throw new IllegalStateException("There is no file " + backup + ".");
    }
    Closeable alone = EmbeddedDatabase.reserve(directory);
    try (alone;
        ArchiveReader archive = new ArchiveReader(backup)) {
      demandEmpty();
      Description description = Description.of(archive.first(Description.NAME));
      demandSameMajor(description);
      return List.of(
          "The backup is of %s by %s with PostgreSQL %s."
              .formatted(description.madeAt(), description.program(), description.postgres()),
          unpack(archive),
          "Start the service on it now; it migrates when this version is newer.");
    }
  }

  private void demandEmpty() throws IOException {
    if (Files.exists(directory.resolve(EmbeddedDatabase.RESTORING))) {
      throw new IllegalStateException(
          "An earlier restore into %s was interrupted: empty that directory and %s, and try again."
              .formatted(directory, files));
    }
    try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, DATA)) {
      for (Path path : found) {
        throw occupied(path);
      }
    }
    if (Files.isDirectory(files)) {
      // The walk follows no symbolic link, not even the first.
      try (Stream<Path> found = Files.walk(files.toRealPath())) {
        found
            .filter(path -> !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS))
            .findFirst()
            .ifPresent(
                path -> {
                  throw occupied(path);
                });
      }
    }
  }

  private static IllegalStateException occupied(Path path) {
    return new IllegalStateException(
        "There is %s already, and a backup is restored only where nothing is: move that data away, or set CHAT_DATA_DIR to another directory. Nothing was changed."
            .formatted(path));
  }

  private static void demandSameMajor(Description description) {
    int ours = EmbeddedDatabase.ownMajor();
    if (!description.major().equals(String.valueOf(ours))) {
      throw new IllegalStateException(
          "The backup is of PostgreSQL %s, and this version includes %d: restore it with %s, then run the command upgrade of this version. Nothing was changed."
              .formatted(description.postgres(), ours, description.program()));
    }
  }

  private String unpack(ArchiveReader archive) throws IOException {
    Path apart = directory.resolve(EmbeddedDatabase.RESTORING);
    boolean done = false;
    try {
      Files.createDirectory(apart);
      archive.unpack(name -> place(apart, name));
      String counts = counts(apart);
      moveIntoPlace(apart);
      done = true;
      return counts;
    } finally {
      if (!done) {
        deleteContent(files);
        deleteTree(apart);
      }
    }
  }

  /** Null for a name that leads elsewhere. */
  private @Nullable Path place(Path apart, String name) {
    Path root = apart;
    String rest = name;
    if (name.startsWith("files/")) {
      root = files;
      rest = name.substring("files/".length());
    }
    Path place = root.resolve(rest).normalize();
    return place.startsWith(root) ? place : null;
  }

  /** Starts it where it is: what PostgreSQL cannot recover is not put into place. */
  private static String counts(Path apart) throws IOException {
    try (EmbeddedDatabase database = EmbeddedDatabase.open(apart)) {
      Login owner = database.superuser();
      try (Connection connection = database.at(owner, "chat").connect();
          Statement statement = connection.createStatement();
          ResultSet row =
              statement.executeQuery(
                  "select (select count(*) from public.users), (select count(*) from public.user_messages), (select count(*) from public.chat_files)")) {
        row.next();
        return "Restored %d people, %d messages and %d files."
            .formatted(row.getLong(1), row.getLong(2), row.getLong(3));
      }
    } catch (SQLException | UncheckedIOException e) {
      throw new IllegalStateException(
          "The restored database cannot be read (%s): nothing was changed."
              .formatted(e.getMessage()));
    }
  }

  /** The database comes last: until then nothing starts here, as the part apart is still there. */
  private void moveIntoPlace(Path apart) throws IOException {
    List<Path> secrets;
    try (DirectoryStream<Path> found = Files.newDirectoryStream(apart, "{*.password,*jwt-secret}");
        Stream<Path> each = stream(found)) {
      secrets = each.toList();
    }
    try {
      for (Path secret : secrets) {
        Files.move(secret, directory.resolve(secret.getFileName()), StandardCopyOption.ATOMIC_MOVE);
      }
      Files.move(
          apart.resolve("postgresql"),
          directory.resolve("postgresql"),
          StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      for (Path secret : secrets) {
        Files.deleteIfExists(directory.resolve(secret.getFileName()));
      }
      throw e;
    }
    ArchiveWriter.force(directory);
    deleteTree(apart);
    ArchiveWriter.force(directory);
  }

  private static Stream<Path> stream(DirectoryStream<Path> found) {
    return java.util.stream.StreamSupport.stream(found.spliterator(), false);
  }

  private static void deleteContent(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (DirectoryStream<Path> found = Files.newDirectoryStream(folder)) {
      for (Path path : found) {
        deleteTree(path);
      }
    }
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

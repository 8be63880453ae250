package com.gptdesk.chat.database.migration;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.database.migration.Migrations.Platform;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Something that a database lacks before it can be migrated, found by {@code db/preconditions.sql},
 * which only reads the catalogue.
 *
 * @param kind how much it matters
 * @param what what is missing; the file of accepted things names it so
 * @param remedy what a DBA does about it
 */
public record Precondition(Kind kind, String what, String remedy) {

  /** How much it matters. */
  public enum Kind {
    /** Migrating would fail. */
    MISSING,
    /** Policies or teams would not hold: nothing is migrated or served until it is accepted. */
    UNSAFE,
    /** Worth knowing. */
    WARNING
  }

  private static final String CLASSPATH = "classpath:";
  private static final String FILESYSTEM = "filesystem:";

  /**
   * Everything that this database lacks.
   *
   * @param served names of functions that are served beside the chat's own
   * @param folder where {@code preconditions.sql} lies, in Flyway's words; one in the file system
   *     need not have it, and then asks for nothing
   * @throws DatabaseUnavailable the database could not be asked
   */
  static List<Precondition> unmet(
      MigrationLogin login, Platform platform, List<String> served, String folder) {
    String query = query(folder);
    List<Precondition> unmet = new ArrayList<>();
    if (query.isEmpty()) {
      return unmet;
    }
    try (Connection connection = login.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      connection.setReadOnly(true);
      // Nothing that somebody made in public answers in place of PostgreSQL's own.
      statement.execute(
          "set local search_path = pg_catalog, pg_temp; set local chat.platform = '%s'"
              .formatted(platform));
      try (PreparedStatement setting =
          connection.prepareStatement("select set_config('chat.served', ?, true)")) {
        setting.setString(1, String.join(",", served));
        setting.execute();
      }
      try (ResultSet rows = statement.executeQuery(query)) {
        while (rows.next()) {
          unmet.add(
              new Precondition(
                  Kind.valueOf(rows.getString("kind").toUpperCase(Locale.ROOT)),
                  rows.getString("what"),
                  rows.getString("remedy")));
        }
      }
      return unmet;
    } catch (SQLException e) {
      throw new DatabaseUnavailable("Could not ask the database what it lacks, as " + login, e);
    }
  }

  private static String query(String folder) {
    try {
      if (folder.startsWith(FILESYSTEM)) {
        Path file = Path.of(folder.substring(FILESYSTEM.length()), "preconditions.sql");
        return Files.exists(file) ? Files.readString(file) : "";
      }
      String name = "/" + folder.substring(CLASSPATH.length()) + "/preconditions.sql";
      try (InputStream resource = Precondition.class.getResourceAsStream(name)) {
        if (resource == null) {
          throw new FileNotFoundException(name + " is not on the class path");
        }
        return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Whether nothing is migrated with it.
   *
   * @return false for what is only a warning
   */
  public boolean stops() {
    return kind != Kind.WARNING;
  }

  @Override
  public String toString() {
    String begin =
        switch (kind) {
          case MISSING -> "Missing";
          case UNSAFE -> "Unsafe";
          case WARNING -> "Warning";
        };
    return "%s: %s. %s".formatted(begin, what, remedy);
  }
}

package com.gptdesk.chat.database.migration;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
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
 * A requirement that a database does not meet before a migration, found by {@code
 * db/preconditions.sql}, which only reads the catalogue.
 *
 * @param kind its severity
 * @param what what is missing; also its id in the file of accepted changes
 * @param remedy what a DBA should do
 */
public record Precondition(Kind kind, String what, String remedy) {

  /** The severity. */
  public enum Kind {
    /** The migration would fail. */
    MISSING,
    /** Policies or teams would not hold: nothing is migrated or served until this is accepted. */
    UNSAFE,
    /** Worth knowing. */
    WARNING
  }

  private static final String CLASSPATH = "classpath:";
  private static final String FILESYSTEM = "filesystem:";

  /**
   * All requirements that this database does not meet.
   *
   * @param served names of functions that are served beside the chat's own
   * @param folder the location of {@code preconditions.sql} in Flyway's syntax; without that file
   *     nothing is required
   * @throws DatabaseUnavailable the database could not be queried
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
      // So that no object in public hides one of PostgreSQL.
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
      throw new DatabaseUnavailable("Could not check the database's requirements as " + login, e);
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
   * Whether it prevents a migration.
   *
   * @return false for a warning
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

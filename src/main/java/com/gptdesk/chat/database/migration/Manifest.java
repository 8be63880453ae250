package com.gptdesk.chat.database.migration;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.database.connection.Login;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The chat's objects in a database, one line for each ({@code db/manifest.sql}): as created by the
 * migrations when the jar was built, or as they are now.
 */
public final class Manifest {

  private static final String PARTITIONS = "partitions of public.user_messages";
  private static final String QUERY = "/db/manifest.sql";

  private final List<ManifestLine> lines;

  private Manifest(List<ManifestLine> lines) {
    this.lines = lines;
  }

  /**
   * The manifest of the jar's build.
   *
   * @param platform the platform of the database
   * @return the objects that the migrations create
   */
  public static Manifest built(Platform platform) {
    List<ManifestLine> lines = new ArrayList<>();
    for (String line : resource("/manifest-%s.txt".formatted(platform)).split("\n")) {
      String[] fields = line.split("\t", -1);
      lines.add(
          new ManifestLine(
              fields[0],
              fields[1],
              fields[2],
              fields[3],
              fields.length > 4 ? fields[4] : null,
              null));
    }
    return new Manifest(lines);
  }

  /**
   * The manifest of a database now.
   *
   * @param login any login, since the catalogue is readable for all
   * @param platform the platform of the database
   * @param query the text of {@code db/manifest.sql}
   * @return its objects
   * @throws DatabaseUnavailable the database could not be queried
   */
  public static Manifest of(Login login, Platform platform, String query) {
    return of(MigrationLogin.of(login), platform, query);
  }

  static Manifest of(MigrationLogin login, Platform platform) {
    return of(login, platform, resource(QUERY));
  }

  private static Manifest of(MigrationLogin login, Platform platform, String query) {
    try (Connection connection = login.connect()) {
      connection.setAutoCommit(false);
      connection.setReadOnly(true);
      try {
        return of(connection, platform, query);
      } finally {
        connection.rollback();
      }
    } catch (SQLException e) {
      throw new DatabaseUnavailable("Could not read the catalogue of the database as " + login, e);
    }
  }

  /**
   * The manifest as that transaction sees it.
   *
   * @param connection in a transaction; its search path is unchanged
   * @param platform the platform of the database
   * @return its objects
   * @throws SQLException the database could not be queried
   */
  public static Manifest of(Connection connection, Platform platform) throws SQLException {
    return of(connection, platform, resource(QUERY));
  }

  private static Manifest of(Connection connection, Platform platform, String query)
      throws SQLException {
    List<ManifestLine> lines = new ArrayList<>();
    try (Statement statement = connection.createStatement()) {
      statement.execute("savepoint manifest");
      // So that every name is printed with its schema.
      statement.execute("set local search_path = pg_catalog");
      statement.execute("set local chat.platform = '" + platform + "'");
      try (ResultSet rows = statement.executeQuery(query)) {
        while (rows.next()) {
          lines.add(
              new ManifestLine(
                  rows.getString("kind"),
                  rows.getString("subject"),
                  rows.getString("name"),
                  rows.getString("facts"),
                  null,
                  rows.getString("instance")));
        }
      }
      statement.execute("rollback to savepoint manifest; release savepoint manifest");
    }
    return new Manifest(lines);
  }

  /**
   * The same, with the definitions after a restored dump.
   *
   * @param restored the manifest of the restored database
   * @return a manifest that matches either
   */
  public Manifest alsoAs(Manifest restored) {
    Map<String, String> facts = new TreeMap<>();
    restored.lines.forEach(line -> facts.put(line.id(), line.facts()));
    return new Manifest(lines.stream().map(line -> line.alsoAs(facts.get(line.id()))).toList());
  }

  /**
   * Writes it to a file for the jar, without the names of partitions.
   *
   * @param file the file
   * @throws IOException it could not be written
   */
  public void write(Path file) throws IOException {
    Set<String> text = new LinkedHashSet<>();
    for (ManifestLine line : lines) {
      String written = String.join("\t", line.kind(), line.subject(), line.name(), line.facts());
      text.add(line.restored() == null ? written : written + "\t" + line.restored());
    }
    Files.write(file, text);
  }

  /**
   * The names of its tables and functions in schema public.
   *
   * @return in alphabetical order
   */
  public Set<String> publicNames() {
    Set<String> names = new TreeSet<>();
    for (ManifestLine line : lines) {
      if ((line.kind().equals("relation") || line.kind().equals("function"))
          && line.subject().startsWith("public.")) {
        names.add(line.bareSubject().substring("public.".length()));
      }
    }
    return names;
  }

  /**
   * The differences of a database from this manifest.
   *
   * @param actual the manifest of that database
   * @param accepted the accepted changes
   * @return the causes; empty when there is no difference
   */
  public List<Drift> drift(Manifest actual, Accepted accepted) {
    Map<String, ManifestLine> expected = new TreeMap<>();
    Set<String> partitions = new TreeSet<>();
    actual.lines.stream()
        .map(ManifestLine::instance)
        .filter(Objects::nonNull)
        .forEach(instance -> partitions.add(String.valueOf(instance)));
    Set<String> subjects = new TreeSet<>();
    for (ManifestLine line : lines) {
      subjects.add(line.bareSubject());
      if (line.subject().equals(PARTITIONS)) {
        partitions.forEach(partition -> expected.put(line.of(partition).id(), line.of(partition)));
      } else {
        expected.put(line.id(), line);
      }
    }
    Map<String, ManifestLine> found = new LinkedHashMap<>();
    for (ManifestLine line : actual.lines) {
      // Other objects in schema public are reported for the access they give, not for their
      // existence.
      if (subjects.contains(line.bareSubject()) || !line.subject().startsWith("public.")) {
        found.put(line.id(), line);
      }
    }
    List<Drift.Difference> differences = new ArrayList<>();
    expected.forEach(
        (id, line) -> {
          ManifestLine now = found.remove(id);
          if (now == null || !line.isAs(now)) {
            differences.add(new Drift.Difference(id, line, now));
          }
        });
    found.forEach((id, line) -> differences.add(new Drift.Difference(id, null, line)));
    return Drift.causes(differences, accepted);
  }

  private static String resource(String name) {
    try (InputStream file = Manifest.class.getResourceAsStream(name)) {
      if (file == null) {
        throw new FileNotFoundException(name + " is not on the class path");
      }
      return new String(file.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

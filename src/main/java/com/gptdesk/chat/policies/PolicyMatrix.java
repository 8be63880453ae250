package com.gptdesk.chat.policies;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Who may do what: parses the tables of {@code db/policies.md}; its prose is for readers.
 *
 * @param attempts the attempts to test
 * @param rights the rights in the catalogue, by kind of table: {@code columns}, {@code functions},
 *     {@code schemas}, {@code roles}
 */
public record PolicyMatrix(List<Attempt> attempts, Map<String, List<Right>> rights) {

  /** A cell that says: no rows, or no rights. */
  static final String NOTHING = "-";

  /**
   * A line about rights in the catalogue.
   *
   * @param object a table, a function, a schema or a role
   * @param part its columns or, for a function, the rights it runs with
   * @param cells the rights of each role, by the heading of the column
   */
  public record Right(String object, String part, Map<String, String> cells) {}

  private static final Pattern STATEMENT = Pattern.compile("`([^`]+)`(?: then `([^`]+)`)?");

  /** The matrix in the jar. */
  public static PolicyMatrix read() {
    try (InputStream file = PolicyMatrix.class.getResourceAsStream("/db/policies.md")) {
      if (file == null) {
        throw new IllegalStateException("db/policies.md is not on the class path");
      }
      return of(new String(file.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException("Could not read db/policies.md", e);
    }
  }

  /**
   * Parses a matrix.
   *
   * @throws IllegalArgumentException a line of a table does not fit its heading
   */
  public static PolicyMatrix of(String text) {
    List<Attempt> attempts = new ArrayList<>();
    Map<String, List<Right>> rights = new java.util.TreeMap<>();
    String section = "";
    List<String> heading = List.of();
    for (String line : text.lines().toList()) {
      if (line.startsWith("## ")) {
        section = line.substring(3).strip();
      }
      if (!line.startsWith("|")) {
        heading = List.of();
        continue;
      }
      List<String> cells = cells(line);
      if (heading.isEmpty()) {
        heading = cells;
      } else if (cells.size() != heading.size()) {
        throw new IllegalArgumentException(
            "This line of the matrix has %d cells, its heading %d: %s"
                .formatted(cells.size(), heading.size(), line));
      } else if (!cells.getFirst().startsWith("---")) {
        switch (heading.getFirst()) {
          case "way" -> attempts.add(attempt(section, heading, cells));
          case "table", "function", "schema", "role" ->
              rights
                  .computeIfAbsent(heading.getFirst(), kind -> new ArrayList<>())
                  .addAll(rights(heading, cells));
          default -> {
            // a table for readers
          }
        }
      }
    }
    return new PolicyMatrix(List.copyOf(attempts), rights);
  }

  /** The lines about one kind of object in the catalogue. */
  List<Right> rights(String kind) {
    return rights.getOrDefault(kind, List.of());
  }

  private static Attempt attempt(String section, List<String> heading, List<String> cells) {
    EnumMap<Persona, String> expected = new EnumMap<>(Persona.class);
    for (Persona persona : Persona.values()) {
      expected.put(persona, cells.get(place(heading, persona.label())));
    }
    String statement = cells.get(place(heading, "statement"));
    Matcher matcher = STATEMENT.matcher(statement);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("This is not a statement: " + statement);
    }
    @Nullable String then = matcher.group(2);
    return new Attempt(
        section,
        cells.get(0),
        cells.get(place(heading, "attempt")),
        expected,
        matcher.group(1),
        then);
  }

  private static List<Right> rights(List<String> heading, List<String> cells) {
    Map<String, String> values = new java.util.LinkedHashMap<>();
    for (int i = 2; i < heading.size(); i++) {
      values.put(heading.get(i), cells.get(i));
    }
    return Arrays.stream(cells.get(0).split(",\\s*"))
        .map(object -> new Right(object, cells.get(1), values))
        .toList();
  }

  private static int place(List<String> heading, String column) {
    int place = heading.indexOf(column);
    if (place < 0) {
      throw new IllegalArgumentException("The matrix has no column " + column);
    }
    return place;
  }

  private static List<String> cells(String line) {
    String inner = line.strip();
    return Arrays.stream(inner.substring(1, inner.length() - 1).split("\\|", -1))
        .map(String::strip)
        .toList();
  }
}

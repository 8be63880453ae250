package com.gptdesk.chat.service.query;

import com.gptdesk.chat.service.http.Problem;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads the query of a request. Strict: what is not of the grammar, is given twice, or is too much,
 * is refused with PGRST100.
 */
public final class QueryParser {
  private static final int MOST_PARAMETERS = 100;
  private static final int MOST_CHARACTERS = 32_768;

  /**
   * What was read.
   *
   * @param columns of a body that are written; null for all that it has
   * @param onConflict the columns in which a row meets another; null for the primary key
   */
  public record Parsed(
      TableQuery query, @Nullable List<String> columns, @Nullable List<String> onConflict) {}

  private final QueryTree tree = new QueryTree();
  private final Set<String> given = new HashSet<>();

  private QueryParser() {}

  /**
   * Reads it.
   *
   * @param parameters decoded, in order
   * @param maxDepth how deep tables may be embedded in one another
   */
  public static Parsed parse(List<Map.Entry<String, String>> parameters, int maxDepth) {
    refuseTooMuch(parameters);
    refuseNul(parameters);
    QueryParser parser = new QueryParser();
    SelectParser.parse(parser.once(parameters, "select", "*"), parser.tree, maxDepth);
    List<String> columns = null;
    List<String> onConflict = null;
    for (Map.Entry<String, String> parameter : parameters) {
      switch (parameter.getKey()) {
        case "select" -> {}
        case "columns" -> columns = names("columns parameter", parser.first(parameter));
        case "on_conflict" -> onConflict = names("on_conflict", parser.first(parameter));
        default -> parser.read(parameter);
      }
    }
    return new Parsed(parser.tree.finished(), columns, onConflict);
  }

  private static void refuseTooMuch(List<Map.Entry<String, String>> parameters) {
    long characters =
        parameters.stream().mapToLong(p -> p.getKey().length() + p.getValue().length()).sum();
    if (parameters.size() > MOST_PARAMETERS || characters > MOST_CHARACTERS) {
      throw Problem.of(400, "PGRST100", "The query is too long")
          .withDetails(
              "At most %d parameters of %d characters in all"
                  .formatted(MOST_PARAMETERS, MOST_CHARACTERS))
          .stop();
    }
  }

  /** As PostgreSQL, which would end the connection where it is a name. */
  private static void refuseNul(List<Map.Entry<String, String>> parameters) {
    if (parameters.stream()
        .anyMatch(p -> p.getKey().indexOf('\0') >= 0 || p.getValue().indexOf('\0') >= 0)) {
      throw Problem.of(400, "22021", "A text of the query contains the character U+0000")
          .withHint("PostgreSQL stores no text with it; leave it out")
          .stop();
    }
  }

  private String once(List<Map.Entry<String, String>> parameters, String name, String otherwise) {
    String value = null;
    for (Map.Entry<String, String> parameter : parameters) {
      if (parameter.getKey().equals(name)) {
        value = first(parameter);
      }
    }
    return value == null ? otherwise : value;
  }

  /** The value, where the parameter is the first of its name. */
  private String first(Map.Entry<String, String> parameter) {
    if (!given.add(parameter.getKey())) {
      throw Problem.of(400, "PGRST100", "The parameter " + parameter.getKey() + " is given twice")
          .stop();
    }
    return parameter.getValue();
  }

  private static List<String> names(String what, String text) {
    Cursor cursor = new Cursor(what, text);
    Set<String> names = new LinkedHashSet<>();
    do {
      names.add(cursor.name());
    } while (cursor.skip(","));
    cursor.expectEnd();
    return List.copyOf(names);
  }

  private void read(Map.Entry<String, String> parameter) {
    Cursor key = new Cursor("parameter", parameter.getKey());
    List<String> tables = new ArrayList<>();
    TableQuery.Path path = key.path();
    while (path.steps().isEmpty() && key.skip(".")) {
      tables.add(path.column());
      path = key.path();
    }
    key.expectEnd();
    String last = path.steps().isEmpty() ? path.column() : "";
    boolean negated =
        !tables.isEmpty()
            && tables.getLast().equals("not")
            && (last.equals("and") || last.equals("or"));
    QueryTree place = tree.at(negated ? tables.subList(0, tables.size() - 1) : tables);
    switch (last) {
      case "and", "or" ->
          place.where(ConditionParser.tree(negated, last.equals("and"), parameter.getValue()));
      case "order" -> place.order(OrderParser.parse(first(parameter)));
      case "limit" -> place.limit(limit(first(parameter)));
      case "offset" -> place.offset(number("offset", first(parameter)));
      default -> place.where(ConditionParser.filter(path, parameter.getValue()));
    }
  }

  private static long limit(String text) {
    if (text.matches("-\\d{1,9}")) {
      throw unsatisfiable("Limit should be greater than or equal to zero.").stop();
    }
    return number("limit", text);
  }

  private static long number(String name, String text) {
    if (!text.matches("\\d{1,9}")) {
      throw Problem.of(400, "PGRST100", "failed to parse %s (%s)".formatted(name, text)).stop();
    }
    return Long.parseLong(text);
  }

  /** A range of rows that cannot be. */
  public static Problem unsatisfiable(String details) {
    return Problem.of(416, "PGRST103", "Requested range not satisfiable").withDetails(details);
  }
}

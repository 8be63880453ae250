package com.gptdesk.chat.service.realtime.changes;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The rows of a subscription: conditions {@code column=operator.value}, separated by commas, which
 * must all hold. Values are compared by the column's type. As in SQL, a condition other than {@code
 * is} and {@code isdistinct} does not hold for null, negated or not. Texts are ordered by code
 * point.
 */
final class Filter {
  private static final int MOST_VALUES = 100;

  /** Matches every row. */
  static final Filter NONE = new Filter(List.of());

  /** The operators by name. */
  enum Operator {
    EQ,
    NEQ,
    LT,
    LTE,
    GT,
    GTE,
    IN,
    IS,
    LIKE,
    ILIKE,
    MATCH,
    IMATCH,
    ISDISTINCT;

    private static final String NAMES =
        List.of(values()).stream().map(Operator::toString).collect(Collectors.joining(", "));

    static Operator named(String name) throws InvalidFilter {
      for (Operator operator : values()) {
        if (operator.toString().equals(name)) {
          return operator;
        }
      }
      throw new InvalidFilter("unknown operator \"" + name + "\"; use one of " + NAMES);
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * A condition as written, not yet checked against a table.
   *
   * @param values one value; several for {@code in}
   */
  record Condition(String column, boolean negated, Operator operator, List<String> values) {}

  /** Tests one value of a row. */
  private interface Test {
    boolean holds(@Nullable JsonNode value);
  }

  private record ColumnTest(String column, Test test, @Nullable Anchor anchor) {}

  /**
   * A condition that an index can look up: the column must have one of these values.
   *
   * @param values as returned by {@link ColumnType#key}
   */
  record Anchor(String column, ColumnType<?> type, Set<Object> values) {}

  private final List<ColumnTest> tests;

  private Filter(List<ColumnTest> tests) {
    this.tests = tests;
  }

  /** Parses a filter's text; a blank one has no conditions. */
  static List<Condition> read(String text) throws InvalidFilter {
    return text.isBlank() ? List.of() : new Reader(text).conditions();
  }

  /** Checks the conditions against a table's columns. */
  static Filter of(List<Condition> conditions, PublishedTables.Table table) throws InvalidFilter {
    if (conditions.isEmpty()) {
      return NONE;
    }
    var tests = new ArrayList<ColumnTest>(conditions.size());
    for (Condition condition : conditions) {
      PublishedTables.Column column = table.columns().get(condition.column());
      if (column == null) {
        throw new InvalidFilter(
            "table " + table.name() + " has no column \"" + condition.column() + "\"");
      }
      tests.add(new ColumnTest(column.name(), test(condition, column), anchor(condition, column)));
    }
    return new Filter(tests);
  }

  /** Whether there are no conditions, so that no row has to be read. */
  boolean isEmpty() {
    return tests.isEmpty();
  }

  /** Whether a row, a JSON object, matches. */
  boolean passes(JsonNode row) {
    for (ColumnTest test : tests) {
      if (!test.test().holds(row.get(test.column()))) {
        return false;
      }
    }
    return true;
  }

  /** The condition with the fewest values, for an index; null when none can be looked up. */
  @Nullable Anchor anchor() {
    Anchor best = null;
    for (ColumnTest test : tests) {
      Anchor anchor = test.anchor();
      if (anchor != null && (best == null || anchor.values().size() < best.values().size())) {
        best = anchor;
      }
    }
    return best;
  }

  /** The only text that a column may have; null when there may be others. */
  @Nullable String only(String column) {
    for (ColumnTest test : tests) {
      Anchor anchor = test.anchor();
      if (anchor != null
          && test.column().equals(column)
          && anchor.values().size() == 1
          && anchor.values().iterator().next() instanceof String text) {
        return text;
      }
    }
    return null;
  }

  private static @Nullable Anchor anchor(Condition condition, PublishedTables.Column column)
      throws InvalidFilter {
    ColumnType<?> type = ColumnType.of(column.type());
    boolean names = condition.operator() == Operator.EQ || condition.operator() == Operator.IN;
    if (type == null || !names || condition.negated()) {
      return null;
    }
    var values = new HashSet<Object>();
    for (String value : condition.values()) {
      values.add(ColumnType.key(type.value(value)));
    }
    return new Anchor(column.name(), type, values);
  }

  private static Test test(Condition condition, PublishedTables.Column column)
      throws InvalidFilter {
    if (condition.operator() == Operator.IS) {
      return is(condition, column);
    }
    ColumnType<?> type = ColumnType.of(column.type());
    if (type == null) {
      throw new InvalidFilter(
          "column \""
              + column.name()
              + "\" of type "
              + column.type()
              + " can only be filtered by \"is\"");
    }
    Test plain =
        switch (condition.operator()) {
          case IN -> among(condition, type);
          case LIKE, ILIKE -> like(condition, column);
          case MATCH, IMATCH -> match(condition, column);
          case ISDISTINCT -> distinct(condition, type);
          case EQ, NEQ, LT, LTE, GT, GTE, IS -> compared(condition, type);
        };
    boolean negated = condition.negated();
    if (condition.operator() == Operator.ISDISTINCT) {
      return value -> plain.holds(value) != negated;
    }
    return value -> type.value(value) != null && plain.holds(value) != negated;
  }

  private static <T extends Comparable<? super T>> Test compared(
      Condition condition, ColumnType<T> type) throws InvalidFilter {
    T bound = type.value(condition.values().getFirst());
    return switch (condition.operator()) {
      case EQ -> value -> compare(type, value, bound) == 0;
      case NEQ -> value -> compare(type, value, bound) != 0;
      case LT -> value -> compare(type, value, bound) < 0;
      case LTE -> value -> compare(type, value, bound) <= 0;
      case GT -> value -> compare(type, value, bound) > 0;
      case GTE -> value -> compare(type, value, bound) >= 0;
      case IN, IS, LIKE, ILIKE, MATCH, IMATCH, ISDISTINCT ->
          throw new IllegalStateException(condition.operator() + " compares with no bound");
    };
  }

  /** Null is distinct from every value. */
  private static <T extends Comparable<? super T>> Test distinct(
      Condition condition, ColumnType<T> type) throws InvalidFilter {
    T bound = type.value(condition.values().getFirst());
    return value -> {
      T read = type.value(value);
      return read == null || read.compareTo(bound) != 0;
    };
  }

  private static <T extends Comparable<? super T>> Test among(
      Condition condition, ColumnType<T> type) throws InvalidFilter {
    // Compared by order: 1 and 1.0 are the same number, but not equal objects.
    var values = new TreeSet<T>();
    for (String value : condition.values()) {
      values.add(type.value(value));
    }
    return value -> values.contains(present(type, value));
  }

  private static <T extends Comparable<? super T>> int compare(
      ColumnType<T> type, @Nullable JsonNode value, T bound) {
    return present(type, value).compareTo(bound);
  }

  private static <T extends Comparable<? super T>> T present(
      ColumnType<T> type, @Nullable JsonNode value) {
    T read = type.value(value);
    if (read == null) {
      throw new IllegalStateException("a null value was not sorted out before");
    }
    return read;
  }

  private static Test is(Condition condition, PublishedTables.Column column) throws InvalidFilter {
    String wanted = condition.values().getFirst().toLowerCase(Locale.ROOT);
    boolean negated = condition.negated();
    boolean isBoolean = ColumnType.BOOLEAN.equals(ColumnType.of(column.type()));
    if (wanted.equals("null") || (isBoolean && wanted.equals("unknown"))) {
      return value -> (value == null || value.isNull()) != negated;
    }
    if (isBoolean && (wanted.equals("true") || wanted.equals("false"))) {
      Boolean truth = Boolean.valueOf(wanted);
      return value -> truth.equals(ColumnType.BOOLEAN.value(value)) != negated;
    }
    throw new InvalidFilter(
        "\"is\" takes null" + (isBoolean ? ", true, false or unknown" : "") + ", not " + wanted);
  }

  private static void refuseUnlessText(Condition condition, PublishedTables.Column column)
      throws InvalidFilter {
    if (!ColumnType.TEXT.equals(ColumnType.of(column.type()))) {
      throw new InvalidFilter(
          "\"" + condition.operator() + "\" is for texts; \"" + column.name() + "\" is none");
    }
  }

  private static Test match(Condition condition, PublishedTables.Column column)
      throws InvalidFilter {
    refuseUnlessText(condition, column);
    TextPattern pattern =
        TextPattern.of(condition.values().getFirst(), condition.operator() == Operator.IMATCH);
    return value -> pattern.isIn(present(ColumnType.TEXT, value));
  }

  private static Test like(Condition condition, PublishedTables.Column column)
      throws InvalidFilter {
    refuseUnlessText(condition, column);
    boolean anyCase = condition.operator() == Operator.ILIKE;
    String pattern = condition.values().getFirst();
    String folded = anyCase ? pattern.toLowerCase(Locale.ROOT) : pattern;
    return value -> {
      String text = present(ColumnType.TEXT, value);
      return matches(folded, anyCase ? text.toLowerCase(Locale.ROOT) : text);
    };
  }

  /**
   * LIKE: {@code %} is any text, {@code _} any character, a backslash escapes. Not a regular
   * expression, because the client chooses the pattern: this takes at most quadratic time.
   */
  static boolean matches(String pattern, String text) {
    int p = 0;
    int t = 0;
    int anyAt = -1; // the position of the last %
    int resume = 0; // where its text may end next
    while (t < text.length()) {
      char c = p < pattern.length() ? pattern.charAt(p) : 0;
      boolean escaped = c == '\\' && p + 1 < pattern.length();
      if (p < pattern.length() && c == '%') {
        anyAt = p++;
        resume = t;
      } else if (p < pattern.length() && c == '_') {
        p++;
        t += Character.charCount(text.codePointAt(t));
      } else if (p < pattern.length() && text.charAt(t) == (escaped ? pattern.charAt(p + 1) : c)) {
        p += escaped ? 2 : 1;
        t++;
      } else if (anyAt >= 0) {
        p = anyAt + 1;
        t = ++resume;
      } else {
        return false;
      }
    }
    while (p < pattern.length() && pattern.charAt(p) == '%') {
      p++;
    }
    return p == pattern.length();
  }

  /**
   * Parses {@code column=[not.]operator.value[,…]}; values with commas, brackets or quotes need
   * double quotes.
   */
  private static final class Reader {
    private final String text;
    private int at;

    Reader(String text) {
      this.text = text;
    }

    List<Condition> conditions() throws InvalidFilter {
      var conditions = new ArrayList<Condition>();
      do {
        conditions.add(condition());
      } while (skip(','));
      if (at < text.length()) {
        throw new InvalidFilter(
            "\""
                + text.substring(at)
                + "\" is too much; put a value with special characters in double quotes");
      }
      return conditions;
    }

    private Condition condition() throws InvalidFilter {
      int equals = text.indexOf('=', at);
      String column = equals < 0 ? "" : text.substring(at, equals).strip();
      if (column.isEmpty()
          || !column.chars().allMatch(c -> c == '_' || c == '$' || Character.isLetterOrDigit(c))) {
        throw new InvalidFilter(
            "\""
                + text.substring(at)
                + "\" is not of the form column=operator.value (a comma in a value needs double quotes)");
      }
      at = equals + 1;
      boolean negated = text.startsWith("not.", at);
      if (negated) {
        at += "not.".length();
      }
      int dot = text.indexOf('.', at);
      if (dot < 0) {
        throw new InvalidFilter("\"" + text.substring(at) + "\" is not of the form operator.value");
      }
      Operator operator = Operator.named(text.substring(at, dot));
      at = dot + 1;
      return new Condition(
          column, negated, operator, operator == Operator.IN ? list() : List.of(value(",")));
    }

    private List<String> list() throws InvalidFilter {
      if (!skip('(')) {
        throw new InvalidFilter("\"in\" takes a list in brackets: column=in.(a,b)");
      }
      var values = new ArrayList<String>();
      if (skip(')')) {
        return values;
      }
      do {
        values.add(value(",)"));
      } while (skip(','));
      if (!skip(')')) {
        throw new InvalidFilter("the list of \"in\" is not closed");
      }
      if (values.size() > MOST_VALUES) {
        throw new InvalidFilter("\"in\" takes at most " + MOST_VALUES + " values");
      }
      return values;
    }

    private String value(String ends) throws InvalidFilter {
      if (skip('"')) {
        return quoted();
      }
      int start = at;
      while (at < text.length() && ends.indexOf(text.charAt(at)) < 0) {
        at++;
      }
      return text.substring(start, at);
    }

    private String quoted() throws InvalidFilter {
      var value = new StringBuilder();
      while (at < text.length()) {
        char c = text.charAt(at++);
        if (c == '"') {
          return value.toString();
        }
        value.append(c == '\\' && at < text.length() ? text.charAt(at++) : c);
      }
      throw new InvalidFilter("a quoted value is not closed");
    }

    private boolean skip(char c) {
      boolean there = at < text.length() && text.charAt(at) == c;
      if (there) {
        at++;
      }
      return there;
    }
  }
}

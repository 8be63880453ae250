package com.gptdesk.chat.service.query;

import com.gptdesk.chat.service.http.Problem;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Reads a parameter of the query from left to right. */
final class Cursor {
  private static final Pattern PLACE = Pattern.compile("[-+]?\\d{1,9}");
  private static final int DEEPEST_PATH = 20;

  private final String what;
  private final String text;
  private int at;

  /**
   * @param what the kind of parameter, for errors
   */
  Cursor(String what, String text) {
    this.what = what;
    this.text = text;
  }

  boolean isAtEnd() {
    return at == text.length();
  }

  boolean isAt(String expected) {
    return text.startsWith(expected, at);
  }

  /** Passes over this text where it stands here. */
  boolean skip(String expected) {
    boolean there = isAt(expected);
    if (there) {
      at += expected.length();
    }
    return there;
  }

  void expect(String expected) {
    if (!skip(expected)) {
      throw unreadable("expecting \"" + expected + "\"");
    }
  }

  void expectEnd() {
    if (!isAtEnd()) {
      throw unreadable("expecting the end");
    }
  }

  void skipSpaces() {
    while (at < text.length() && text.charAt(at) == ' ') {
      at++;
    }
  }

  /** All that is left. */
  String rest() {
    String rest = text.substring(at);
    at = text.length();
    return rest;
  }

  /** As many of these characters as follow. */
  String untilAnyOf(String stops) {
    int start = at;
    while (at < text.length() && stops.indexOf(text.charAt(at)) < 0) {
      at++;
    }
    return text.substring(start, at);
  }

  /** Small letters; perhaps none. */
  String word() {
    int start = at;
    while (at < text.length() && text.charAt(at) >= 'a' && text.charAt(at) <= 'z') {
      at++;
    }
    return text.substring(start, at);
  }

  /**
   * A name of a column, a table or a constraint: in double quotes anything; else letters, digits,
   * underscores, dollar signs, spaces, and hyphens that begin no arrow.
   */
  String name() {
    skipSpaces();
    if (isAt("\"")) {
      String name = quoted();
      skipSpaces();
      return name;
    }
    int start = at;
    while (at < text.length() && isNamePart(text.charAt(at))) {
      at++;
    }
    String name = text.substring(start, at).strip();
    if (name.isEmpty()) {
      throw unreadable("expecting a name");
    }
    return name;
  }

  /** A column, or a place in its JSON: {@code metadata->files->0->>name}. */
  TableQuery.Path path() {
    String column = name();
    List<TableQuery.Step> steps = new ArrayList<>();
    while (isAt("->")) {
      boolean asText = skip("->>");
      if (!asText) {
        expect("->");
      }
      boolean isName = isAt("\"");
      String key = isName ? quoted() : jsonKey();
      steps.add(new TableQuery.Step(key, !isName && PLACE.matcher(key).matches(), asText));
      if (steps.size() > DEEPEST_PATH) {
        throw unreadable("more than " + DEEPEST_PATH + " arrows");
      }
    }
    return new TableQuery.Path(column, List.copyOf(steps));
  }

  private String jsonKey() {
    int start = at;
    while (at < text.length() && (isHyphenOfName() || "(-:.,>)".indexOf(text.charAt(at)) < 0)) {
      at++;
    }
    if (at == start) {
      throw unreadable("expecting a key");
    }
    return text.substring(start, at);
  }

  /** A text in double quotes, in which a backslash stands before a quote or a backslash. */
  String quoted() {
    expect("\"");
    StringBuilder value = new StringBuilder();
    while (!isAt("\"")) {
      skip("\\");
      if (isAtEnd()) {
        throw unreadable("expecting the closing quote");
      }
      value.append(text.charAt(at++));
    }
    at++;
    return value.toString();
  }

  /** Where it stands, to come back. */
  int mark() {
    return at;
  }

  void back(int mark) {
    at = mark;
  }

  private boolean isNamePart(char c) {
    return Character.isLetterOrDigit(c) || c == '_' || c == '$' || c == ' ' || isHyphenOfName();
  }

  /** A hyphen within a name, or before a number behind an arrow. */
  private boolean isHyphenOfName() {
    return text.charAt(at) == '-' && at + 1 < text.length() && text.charAt(at + 1) != '>';
  }

  Problem.Stop unreadable(String details) {
    return Problem.of(
            400,
            "PGRST100",
            "\"failed to parse %s (%s)\" (line 1, column %d)".formatted(what, shown(), at + 1))
        .withDetails(details)
        .stop();
  }

  private String shown() {
    return text.length() <= 200 ? text : text.substring(0, 200) + "…";
  }
}

package com.gptdesk.chat.service.realtime.changes;

import com.gptdesk.chat.service.realtime.protocol.Json;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The members of a row, each as the database's text, so that every digit is passed on unchanged.
 * Only for JSON objects from the database.
 */
final class RowText {
  private final String text;
  private int at;

  private RowText(String text) {
    this.text = text;
  }

  /** The object with these members only, in its own order. */
  static String only(Collection<String> names, String row) {
    var json = new StringBuilder("{");
    new RowText(row)
        .members()
        .forEach(
            (name, value) -> {
              if (names.contains(name)) {
                json.append(json.length() == 1 ? "" : ",")
                    .append(Json.quote(name))
                    .append(':')
                    .append(value);
              }
            });
    return json.append('}').toString();
  }

  private Map<String, String> members() {
    var members = new LinkedHashMap<String, String>();
    expect('{');
    while (peek() != '}') {
      String name = text.substring(at, skipString());
      expect(':');
      peek();
      int start = at;
      skipValue();
      // Column names need no decoding.
      members.put(name.substring(1, name.length() - 1), text.substring(start, at).strip());
      if (peek() == ',') {
        at++;
        peek();
      }
    }
    return members;
  }

  private char peek() {
    while (Character.isWhitespace(text.charAt(at))) {
      at++;
    }
    return text.charAt(at);
  }

  private void expect(char c) {
    if (peek() != c) {
      throw new IllegalArgumentException("expected " + c + " at " + at + " of a row");
    }
    at++;
  }

  /** Skips the string that starts here; returns the position after it. */
  private int skipString() {
    at++;
    while (text.charAt(at) != '"') {
      at += text.charAt(at) == '\\' ? 2 : 1;
    }
    return ++at;
  }

  /** Skips the value, to the comma or bracket after it. */
  private void skipValue() {
    int depth = 0;
    while (true) {
      switch (text.charAt(at)) {
        case '"' -> skipString();
        case '{', '[' -> {
          depth++;
          at++;
        }
        case '}', ']' -> {
          if (depth == 0) {
            return;
          }
          depth--;
          at++;
        }
        case ',' -> {
          if (depth == 0) {
            return;
          }
          at++;
        }
        default -> at++;
      }
    }
  }
}

package com.gptdesk.chat.database;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Splits SQL into statements and removes comments, as PostgreSQL does. Comments may be nested, and
 * line comments end with CR or LF. A semicolon in a literal, a quoted name or a function body
 * separates nothing.
 *
 * <p>Literals are read with {@code standard_conforming_strings} on, which is the default.
 */
final class SqlText {

  private final String text;
  private final List<String> statements = new ArrayList<>();
  private final StringBuilder statement = new StringBuilder();
  private int at;
  private int parentheses;

  /** Depth of {@code begin atomic … end} and the {@code case … end} in it. */
  private int blocks;

  private String lastWord = "";

  private SqlText(String text) {
    this.text = text;
  }

  /** {@return its statements, without comments and surrounding space; none is empty} */
  static List<String> statements(String sql) {
    SqlText read = new SqlText(sql);
    read.read();
    return read.statements;
  }

  private void read() {
    while (at < text.length()) {
      char c = text.charAt(at);
      if (text.startsWith("--", at)) {
        skipLine();
      } else if (text.startsWith("/*", at)) {
        skipComment();
      } else if (c == '\'') {
        keepTo(endOfQuoted(at, c, lastWord.equals("e") && isBeforeQuote()));
      } else if (c == '"') {
        keepTo(endOfQuoted(at, c, false));
        lastWord = "";
      } else if (c == '$' && endOfTag() > 0) {
        keepBody(text.substring(at, endOfTag()));
      } else if (isLetter(c)) {
        keepWord();
      } else if (c == ';' && parentheses == 0 && blocks == 0) {
        end();
      } else {
        parentheses = Math.max(0, parentheses + (c == '(' ? 1 : c == ')' ? -1 : 0));
        if (!Character.isWhitespace(c)) {
          lastWord = c == '.' ? "." : "";
        }
        keepTo(at + 1);
      }
    }
    end();
  }

  private void end() {
    String whole = statement.toString().strip();
    if (!whole.isEmpty()) {
      statements.add(whole);
    }
    statement.setLength(0);
    lastWord = "";
    parentheses = 0;
    at++;
  }

  private void keepTo(int end) {
    statement.append(text, at, end);
    at = end;
  }

  private void keepWord() {
    int end = at;
    while (end < text.length() && (isLetter(text.charAt(end)) || isDigit(text.charAt(end)))) {
      end++;
    }
    String word = text.substring(at, end).toLowerCase(Locale.ROOT);
    boolean isName = lastWord.equals("as") || lastWord.equals(".");
    if (blocks == 0) {
      boolean begins = word.equals("atomic") && lastWord.equals("begin") && parentheses == 0;
      blocks = begins && isCreate() ? 1 : 0;
    } else if (word.equals("case") && !isName) {
      blocks++;
    } else if (word.equals("end") && !isName) {
      blocks--;
    }
    lastWord = word;
    keepTo(end);
  }

  private boolean isCreate() {
    return statement.toString().strip().regionMatches(true, 0, "create", 0, 6);
  }

  private boolean isBeforeQuote() {
    return at > 0 && isLetter(text.charAt(at - 1));
  }

  private void skipLine() {
    while (at < text.length() && text.charAt(at) != '\n' && text.charAt(at) != '\r') {
      at++;
    }
    statement.append(' ');
  }

  private void skipComment() {
    int depth = 0;
    do {
      if (text.startsWith("/*", at)) {
        depth++;
        at += 2;
      } else if (text.startsWith("*/", at)) {
        depth--;
        at += 2;
      } else {
        at++;
      }
    } while (depth > 0 && at < text.length());
    at = Math.min(at, text.length());
    statement.append(' ');
  }

  private int endOfQuoted(int begin, char quote, boolean escapes) {
    for (int i = begin + 1; i < text.length(); i++) {
      char c = text.charAt(i);
      if (escapes && c == '\\') {
        i++;
      } else if (c == quote) {
        if (i + 1 >= text.length() || text.charAt(i + 1) != quote) {
          return i + 1;
        }
        i++;
      }
    }
    return text.length();
  }

  /** The end of the tag of a dollar quote that starts here; 0 when none starts here. */
  private int endOfTag() {
    if (at > 0 && (isLetter(text.charAt(at - 1)) || isDigit(text.charAt(at - 1)))) {
      return 0; // a dollar sign in a name
    }
    int i = at + 1;
    while (i < text.length()
        && (isLetter(text.charAt(i)) || (i > at + 1 && Character.isDigit(text.charAt(i))))) {
      i++;
    }
    return i < text.length() && text.charAt(i) == '$' ? i + 1 : 0;
  }

  private void keepBody(String tag) {
    int end = text.indexOf(tag, at + tag.length());
    keepTo(end < 0 ? text.length() : end + tag.length());
    lastWord = "";
  }

  private static boolean isLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
  }

  private static boolean isDigit(char c) {
    return (c >= '0' && c <= '9') || c == '$';
  }
}

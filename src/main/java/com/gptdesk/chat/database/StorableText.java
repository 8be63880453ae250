package com.gptdesk.chat.database;

import org.jspecify.annotations.Nullable;

/**
 * Text as PostgreSQL can store it. It has no text with NUL (U+0000) or with half a surrogate pair,
 * and refuses them with errors that help nobody. NUL is left out, as the database leaves out other
 * controls; half a pair, what a cut through an emoji leaves, becomes U+FFFD.
 *
 * <p>The three doors use it: the calls over HTTP, the sockets, and {@code UserChat}. What else a
 * text must be is in the database ({@code db/logic/text}). Any other text is returned as it is,
 * unchanged and uncopied.
 */
public final class StorableText {

  private static final char REPLACEMENT = '\uFFFD';
  private static final int ESCAPE = "\\u0000".length();

  private StorableText() {}

  /**
   * A text without what cannot be stored.
   *
   * @param text any
   * @return the same object when there is nothing to change; null for null
   */
  public static @Nullable String ofNullable(@Nullable String text) {
    return text == null ? null : of(text);
  }

  /**
   * A text without what cannot be stored.
   *
   * @param text any
   * @return the same object when there is nothing to change
   */
  public static String of(String text) {
    return isStorable(text) ? text : cleaned(text, false);
  }

  /**
   * JSON whose texts, names of members included, can be stored: also what stands there as an escape
   * ({@code \u0000}, <code>&#92;ud83d</code>).
   *
   * @param json valid or not
   * @return the same object when there is nothing to change
   */
  public static String ofJson(String json) {
    boolean hasEscapes = json.contains("\\u");
    if (!hasEscapes && isStorable(json)) {
      return json;
    }
    // First the bare ones: without them, what stands on both sides may be an escape.
    String storable = of(json);
    return hasEscapes || storable.contains("\\u") ? cleaned(storable, true) : storable;
  }

  private static boolean isStorable(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0) {
        return false;
      }
      if (Character.isSurrogate(c)) {
        if (!isPair(c, i + 1 < text.length() ? text.charAt(i + 1) : 0)) {
          return false;
        }
        i++;
      }
    }
    return true;
  }

  private static String cleaned(String text, boolean isJson) {
    StringBuilder result = null; // made at the first change
    int kept = 0; // up to where the text is in the result
    int at = 0;
    while (at < text.length()) {
      char c = text.charAt(at);
      int length = 1;
      char unit = c;
      if (isJson && c == '\\') {
        int escaped = escaped(text, at);
        if (escaped < 0) {
          at += 2; // another escape: a backslash, a quote
          continue;
        }
        unit = (char) escaped;
        length = ESCAPE;
      }
      if (unit != 0 && !Character.isSurrogate(unit)) {
        at += length;
        continue;
      }
      int next = at + length;
      if (unit != 0 && next < text.length() && isPair(unit, unitAt(text, next, isJson))) {
        at = next + (isJson && text.charAt(next) == '\\' ? ESCAPE : 1);
        continue;
      }
      if (result == null) {
        result = new StringBuilder(text.length());
      }
      result.append(text, kept, at);
      if (unit != 0) {
        result.append(REPLACEMENT);
      }
      at = next;
      kept = next;
    }
    return result == null ? text : result.append(text, kept, text.length()).toString();
  }

  /** The UTF-16 unit that stands here, escaped or not. */
  private static char unitAt(String text, int at, boolean isJson) {
    char c = text.charAt(at);
    int escaped = isJson && c == '\\' ? escaped(text, at) : -1;
    return escaped < 0 ? c : (char) escaped;
  }

  /**
   * What four hexadecimal digits after a backslash and a u say; -1 where this is another escape.
   */
  private static int escaped(String text, int at) {
    if (at + ESCAPE > text.length() || text.charAt(at + 1) != 'u') {
      return -1;
    }
    int unit = 0;
    for (int i = at + 2; i < at + ESCAPE; i++) {
      int digit = Character.digit(text.charAt(i), 16);
      if (digit < 0) {
        return -1;
      }
      unit = unit * 16 + digit;
    }
    return unit;
  }

  private static boolean isPair(char high, char low) {
    return Character.isHighSurrogate(high) && Character.isLowSurrogate(low);
  }
}

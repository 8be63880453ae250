package com.gptdesk.chat.service.storage;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One range of bytes (RFC 9110, section 14), both ends included.
 *
 * @param last smaller than {@code first} when it can not be satisfied
 */
record ByteRange(long first, long last) {
  private static final Pattern ONE =
      Pattern.compile("bytes=(?:(\\d{1,18})-(\\d{0,18})|-(\\d{1,18}))");
  private static final ByteRange UNSATISFIABLE = new ByteRange(0, -1);

  /**
   * Reads the header.
   *
   * @return null for the whole: without the header, or with one that is broken or has several
   */
  static @Nullable ByteRange of(@Nullable String header, long size) {
    Matcher range = header == null ? null : ONE.matcher(header.strip());
    if (range == null || !range.matches()) {
      return null;
    }
    if (range.group(3) != null) {
      long length = Long.parseLong(range.group(3));
      return length == 0 || size == 0
          ? UNSATISFIABLE
          : new ByteRange(Math.max(0, size - length), size - 1);
    }
    long first = Long.parseLong(range.group(1));
    long last = range.group(2).isEmpty() ? size - 1 : Long.parseLong(range.group(2));
    if (!range.group(2).isEmpty() && last < first) {
      return null;
    }
    return first >= size ? UNSATISFIABLE : new ByteRange(first, Math.min(last, size - 1));
  }

  boolean isSatisfiable() {
    return last >= first;
  }

  long length() {
    return last - first + 1;
  }
}

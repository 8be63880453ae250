package com.gptdesk.chat.model;

import java.util.Locale;

/** What a message carries; {@link #toString} is the database's word for it. */
public enum MessageType {
  /** Text alone. */
  TEXT,
  /** A file, with or without a text. */
  FILE,
  /** A picture, with or without a text. */
  IMAGE;

  /**
   * The type that the database calls so.
   *
   * @param word {@code text}, {@code file} or {@code image}
   * @return that type
   * @throws IllegalArgumentException there is no such type
   */
  public static MessageType of(String word) {
    return valueOf(word.toUpperCase(Locale.ROOT));
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}

package com.gptdesk.chat.model;

import java.util.Locale;

/** The type of a message; {@link #toString} is its name in the database. */
public enum MessageType {
  /** Text only. */
  TEXT,
  /** A file, with or without a text. */
  FILE,
  /** A picture, with or without a text. */
  IMAGE;

  /**
   * The type with this name in the database.
   *
   * @param word {@code text}, {@code file} or {@code image}
   * @return that type
   * @throws IllegalArgumentException this version knows no such type, and what to do
   */
  public static MessageType of(String word) {
    return WordColumns.meaningOf(word, values(), "message type");
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}

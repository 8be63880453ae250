package com.gptdesk.chat.policies;

/**
 * A difference between the matrix and a database.
 *
 * @param where the line and the persona, or the right and the role
 * @param expected what the matrix says
 * @param actual what the database did
 */
public record Difference(String where, String expected, String actual) {

  @Override
  public String toString() {
    return "%s: expected %s, got %s".formatted(where, expected, actual);
  }
}

package com.gptdesk.chat.policies;

/**
 * Where a database does not do what the matrix says.
 *
 * @param where the line and the person, or the right and the role
 * @param expected what the matrix says
 * @param actual what the database did
 */
public record Difference(String where, String expected, String actual) {

  @Override
  public String toString() {
    return "%s: expected %s, got %s".formatted(where, expected, actual);
  }
}

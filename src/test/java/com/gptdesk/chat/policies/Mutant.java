package com.gptdesk.chat.policies;

import java.util.Set;

/**
 * One way to weaken the database.
 *
 * @param name what was done, in words; how {@link Equivalents} call it
 * @param sql does it, as the owner
 * @param touches tables and functions whose lines of the matrix are tried first
 */
record Mutant(String name, String sql, Set<String> touches) {

  /** A right, a path, whose rights a function runs with: the catalogue alone tells. */
  boolean isOfTheCatalogue() {
    return touches.isEmpty();
  }

  @Override
  public String toString() {
    return name;
  }
}

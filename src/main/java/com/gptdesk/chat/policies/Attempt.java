package com.gptdesk.chat.policies;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A line of the matrix.
 *
 * @param section its table
 * @param way the way of access: {@code table}, {@code function}, {@code partition}, {@code DAO} or
 *     {@code REST}
 * @param what the attempt in words
 * @param expected for each persona the number of rows, {@code -} for none, or an SQLSTATE
 * @param statement SQL with {@code :names} of the scene; for a DAO a call of it, for REST a request
 * @param then a query of the owner whose rows count instead, when the statement was not refused
 */
public record Attempt(
    String section,
    String way,
    String what,
    Map<Persona, String> expected,
    String statement,
    @Nullable String then) {

  /** Whether it mentions that table or function. */
  boolean mentions(String name) {
    return statement.contains(name) || (then != null && then.contains(name));
  }

  boolean isByDao() {
    return way.equals("DAO");
  }

  boolean isByRest() {
    return way.equals("REST");
  }

  @Override
  public String toString() {
    return section + ", " + way + ", " + what;
  }
}

package com.gptdesk.chat.policies;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** People to whom things happen, one at a time, in the open transaction of the owner. */
interface World {

  /** Everybody there ever was, also who is deleted. */
  List<UUID> people();

  /** Does the next thing, and returns what; refused things change nothing. */
  String step() throws SQLException;

  /** Becomes that person; the owner for null. */
  static void become(Statement statement, @Nullable UUID person) throws SQLException {
    statement.execute(
        "select set_config('request.jwt.claims', '%s', true), set_config('role', '%s', true)"
            .formatted(
                person == null ? "" : "{\"sub\":\"" + person + "\",\"role\":\"authenticated\"}",
                person == null ? "none" : "authenticated"));
  }

  /** Does it as that person, else as the owner; returns how it was refused, or nothing. */
  static String act(Connection owner, @Nullable UUID person, String sql) throws SQLException {
    try (Statement statement = owner.createStatement()) {
      statement.execute("savepoint step");
      try {
        become(statement, person);
        statement.execute(sql);
        become(statement, null);
        statement.execute("release savepoint step");
        return "";
      } catch (SQLException refused) {
        statement.execute("rollback to savepoint step; release savepoint step");
        return " (refused: " + refused.getSQLState() + " " + refused.getMessage() + ")";
      }
    }
  }
}

package com.gptdesk.chat.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.regex.Pattern;
import org.jooq.Configuration;
import org.jooq.ConnectionProvider;
import org.jspecify.annotations.Nullable;

/**
 * Whether one piece of work can have left something on its connection for the next person: a
 * prepared statement, a cursor, a setting, a lock, a LISTEN, a temporary object. Queries and
 * changes of rows leave none, so nothing is done after them; other statements can, and so can
 * whoever takes the bare connection.
 */
final class Traces {

  /** The beginning of a statement without comments, or of the next one in a body. */
  static final String BEGINNING = "(?:^|;)(?:\\s|--[^\\n]*+(?:\\n|$)|/\\*(?s:.*?)\\*/)*+";

  private static final Pattern MORE_THAN_ROWS =
      Pattern.compile(
          BEGINNING
              + "(?!(?:select|insert|update|delete|merge|with|values|table|lock|savepoint|release|rollback)\\b"
              + "|set\\s+(?:local|constraints)\\b)\\w"
              + "|\\bpg_(?:try_)?advisory_lock(?:_shared)?\\b",
          Pattern.CASE_INSENSITIVE);

  private static final String KEY = Traces.class.getName();

  /** One statement of the simple protocol, since a prepared one may be somebody's by now. */
  private static final String CLEAN =
      "reset all; close all; unlisten *; deallocate all; discard temp;"
          + " select pg_catalog.pg_advisory_unlock_all()";

  private boolean isWork;
  private boolean isStatement;
  private boolean possible;

  /** The traces of the work that uses this configuration; null where the connection is a team's. */
  static @Nullable Traces of(Configuration configuration) {
    return (Traces) configuration.data(KEY);
  }

  void watch(Configuration configuration, Connection connection) {
    configuration.data(KEY, this);
    configuration.set(
        new ConnectionProvider() {
          @Override
          public Connection acquire() {
            possible |= isWork && !isStatement;
            isStatement = false;
            return connection;
          }

          @Override
          public void release(Connection acquired) {}
        });
  }

  /**
   * From here on, or no longer, the connection is somebody's to use.
   *
   * @return whether it was before
   */
  boolean isWork(boolean now) {
    boolean before = isWork;
    isWork = now;
    isStatement = false;
    return before;
  }

  /** jOOQ begins with a statement, for which it takes the connection next. */
  void begins() {
    isStatement = true;
  }

  /** Such a statement, without comments, goes to the database. */
  void saw(String statement) {
    possible |= MORE_THAN_ROWS.matcher(statement).find();
  }

  /** Something was found. */
  void found() {
    possible = true;
  }

  boolean arePossible() {
    return possible;
  }

  /** In the transaction of the work, so that a pooler in between gets the session clean, too. */
  static void wipe(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(CLEAN);
    }
  }
}

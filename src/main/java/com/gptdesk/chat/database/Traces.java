package com.gptdesk.chat.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.regex.Pattern;
import org.jooq.Configuration;
import org.jooq.ConnectionProvider;
import org.jspecify.annotations.Nullable;

/**
 * Records whether work may have left something on its connection: a prepared statement, a cursor, a
 * setting, a lock, a LISTEN or a temporary object. Queries and row changes leave nothing, so they
 * need no clean-up. Other statements and use of the bare connection may.
 */
final class Traces {

  /** The start of a statement without comments, or of the next one in a body. */
  static final String BEGINNING = "(?:^|;)(?:\\s|--[^\\n]*+(?:\\n|$)|/\\*(?s:.*?)\\*/)*+";

  private static final Pattern MORE_THAN_ROWS =
      Pattern.compile(
          BEGINNING
              + "(?!(?:select|insert|update|delete|merge|with|values|table|lock|savepoint|release|rollback)\\b"
              + "|set\\s+(?:local|constraints)\\b)\\w"
              + "|\\bpg_(?:try_)?advisory_lock(?:_shared)?\\b",
          Pattern.CASE_INSENSITIVE);

  private static final String KEY = Traces.class.getName();

  /** One statement of the simple protocol, since the work may have changed prepared ones. */
  private static final String CLEAN =
      "reset all; close all; unlisten *; deallocate all; discard temp;"
          + " select pg_catalog.pg_advisory_unlock_all()";

  private boolean isWork;
  private boolean isStatement;
  private boolean possible;

  /**
   * The traces of the work with this configuration; null where the connection belongs to a team.
   */
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
   * Sets whether the work may use the connection from now on.
   *
   * @return whether it was before
   */
  boolean isWork(boolean now) {
    boolean before = isWork;
    isWork = now;
    isStatement = false;
    return before;
  }

  /** jOOQ starts a statement, for which it takes the connection next. */
  void begins() {
    isStatement = true;
  }

  /** This statement, without comments, is sent to the database. */
  void saw(String statement) {
    possible |= MORE_THAN_ROWS.matcher(statement).find();
  }

  /** Records that something may be left. */
  void found() {
    possible = true;
  }

  boolean arePossible() {
    return possible;
  }

  /**
   * Cleans up within the work's transaction, so that a pooler in between also gets a clean session.
   */
  static void wipe(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(CLEAN);
    }
  }
}

package com.gptdesk.chat.database.migration;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Validates constraints that a migration has added without reading the rows that were there.
 *
 * <p>Reading them takes as long as there are messages, and a migration keeps everybody out. So this
 * runs after its commit, one partition at a time, beside whoever reads and writes. Whatever
 * interrupts this, the next {@code migrate} continues it.
 */
final class UncheckedRows {
  private static final Logger LOG = LoggerFactory.getLogger(UncheckedRows.class);

  /** A partition was dropped meanwhile. */
  private static final String UNDEFINED_TABLE = "42P01";

  /** Partitions first: what they have validated is not read again for the table of all. */
  private static final String NEXT =
      """
      select format('alter table %s validate constraint %I', k.conrelid::regclass, k.conname)
      from pg_catalog.pg_constraint k
      join pg_catalog.pg_class c on c.oid = k.conrelid
      left join pg_catalog.pg_inherits i on i.inhrelid = c.oid
      where coalesce(i.inhparent, c.oid) = to_regclass('public.user_messages')
        and k.conname = 'attachment_fits_type'
        and not k.convalidated
      order by c.relispartition desc, c.relname desc
      limit 1
      """;

  private final MigrationLogin login;

  UncheckedRows(MigrationLogin login) {
    this.login = login;
  }

  /**
   * Validates what is not validated.
   *
   * @throws IllegalStateException it could not be; what is done stays done
   */
  void validate() {
    try (Connection connection = login.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(true);
      String next = next(statement);
      if (next == null) {
        return;
      }
      // It waits for who changes the table, however long that lasts: no reader or writer waits for
      // it.
      statement.execute(
          "set statement_timeout = 0; set lock_timeout = 0; set search_path = pg_catalog, pg_temp");
      for (; next != null; next = next(statement)) {
        LOG.debug("{}", next);
        execute(statement, next);
      }
    } catch (SQLException e) {
      throw new IllegalStateException(
          "The migrations are applied, but messages from before are not yet checked: %s. Call migrate again."
              .formatted(e.getMessage()),
          e);
    }
  }

  private static void execute(Statement statement, String validation) throws SQLException {
    try {
      statement.execute(validation);
    } catch (SQLException e) {
      if (!UNDEFINED_TABLE.equals(e.getSQLState())) {
        throw e;
      }
    }
  }

  private static @Nullable String next(Statement statement) throws SQLException {
    try (ResultSet row = statement.executeQuery(NEXT)) {
      return row.next() ? row.getString(1) : null;
    }
  }
}

package com.gptdesk.chat.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jooq.DSLContext;
import org.jspecify.annotations.Nullable;

/** The source of transactions: own connections, or a team's jOOQ. */
interface Transactions {

  /** Runs the work in a transaction: committed when it returns, rolled back when it throws. */
  <T extends @Nullable Object> T run(Function<DSLContext, T> work);

  /** Work with a bare connection. */
  @FunctionalInterface
  interface Work<T extends @Nullable Object> {
    T with(Connection connection) throws SQLException;
  }

  /** Runs work on the bare connection in one round trip. */
  <T extends @Nullable Object> T single(Work<T> work);

  /**
   * Whether the earlier caller is restored for the rest of another owner's transaction, or else for
   * the session.
   */
  boolean endElsewhere();

  /** The pool that each takes a connection from; null where they join an existing connection. */
  @Nullable DataSource pool();

  /** Whether a transaction that lost a conflict may be repeated here. */
  boolean mayRepeat();
}

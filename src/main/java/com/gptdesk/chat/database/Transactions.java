package com.gptdesk.chat.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jooq.DSLContext;
import org.jspecify.annotations.Nullable;

/** Where the door's transactions come from: its own connections, or somebody's jOOQ. */
interface Transactions {

  /** Runs the work in a transaction: kept when it returns, undone when it throws. */
  <T extends @Nullable Object> T run(Function<DSLContext, T> work);

  /** What is done with a bare connection. */
  @FunctionalInterface
  interface Work<T extends @Nullable Object> {
    T with(Connection connection) throws SQLException;
  }

  /**
   * Runs work that goes to the database at once, and keeps nothing of what that says for its own
   * time.
   */
  <T extends @Nullable Object> T single(Work<T> work);

  /**
   * Whether who asked before holds for the rest of a transaction that is not ours, or for the
   * session, whatever was set for it meanwhile.
   */
  boolean endElsewhere();

  /** The pool that each of them takes a connection of; null where they join one that is there. */
  @Nullable DataSource pool();

  /** Whether a transaction that lost against another one may be run again from here. */
  boolean mayRepeat();
}

package com.gptdesk.chat.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import org.jooq.Transaction;
import org.jooq.TransactionContext;
import org.jooq.TransactionProvider;
import org.jooq.exception.DataAccessException;

/** Savepoints as jOOQ's nested transactions, inside a transaction that its owner commits. */
final class Savepoints implements TransactionProvider {

  private record Mark(Savepoint savepoint) implements Transaction {}

  private interface Step {
    void run() throws SQLException;
  }

  private final Connection connection;

  Savepoints(Connection connection) {
    this.connection = connection;
  }

  @Override
  public void begin(TransactionContext context) {
    step(() -> context.transaction(new Mark(connection.setSavepoint())));
  }

  @Override
  public void commit(TransactionContext context) {
    step(() -> connection.releaseSavepoint(savepointOf(context)));
  }

  @Override
  public void rollback(TransactionContext context) {
    step(() -> connection.rollback(savepointOf(context)));
  }

  private static Savepoint savepointOf(TransactionContext context) {
    if (context.transaction() instanceof Mark mark) {
      return mark.savepoint();
    }
    throw new IllegalStateException("This transaction was not started here");
  }

  private static void step(Step step) {
    try {
      step.run();
    } catch (SQLException e) {
      throw new DataAccessException("A savepoint failed: " + e.getMessage(), e);
    }
  }
}
